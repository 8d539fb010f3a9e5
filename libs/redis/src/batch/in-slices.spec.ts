import { describe, expect, it } from '@jest/globals';
import { setImmediate } from 'node:timers/promises';
import { inSlices } from './in-slices.js';

const items = Array.from({ length: 5_000 }, (_, i) => `item ${i}`);

describe('inSlices', () => {
  it('looks at each, in order, and lets the event loop turn in between', async () => {
    const seen: string[] = [];
    const visiting = inSlices(items, (item, i) => (seen[i] = item));
    const afterTurn: number[] = [];
    while (seen.length < items.length) {
      afterTurn.push(seen.length);
      await setImmediate();
    }
    await visiting;
    expect(seen).toEqual(items);
    expect(afterTurn.slice(0, 2)).toEqual([2_000, 4_000]);
  });

  it('rejects with what a visit throws, and looks at no more', async () => {
    let visits = 0;
    const visiting = inSlices(items, (_, i) => {
      visits++;
      if (i === 3_000) throw new TypeError('no');
    });
    await expect(visiting).rejects.toThrow(TypeError);
    expect(visits).toBe(3_001);
  });
});
