import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { pass } from '../../../../../test/support/time.js';
import { Pulse } from './pulse.js';

describe('Pulse', () => {
  it('counts a proof from when its question was sent', async () => {
    let answer: () => void = () => undefined;
    const pulse = new Pulse({
      provenAt: 0,
      ping: () => new Promise((resolve) => (answer = resolve)),
      check: () => undefined,
      failed: () => undefined,
    });
    pulse.changePace(60_000);
    const askedAt = performance.now();
    await pass(20);
    expect(pulse.provenAt).toBe(0);
    answer();
    await nextTurn();
    expect(pulse.provenAt).toBeGreaterThan(0);
    expect(pulse.provenAt).toBeLessThanOrEqual(askedAt);
    pulse.end();
  });
});
