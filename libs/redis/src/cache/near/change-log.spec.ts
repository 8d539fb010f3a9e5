import { describe, expect, it } from '@jest/globals';
import { ChangeLog } from './change-log.js';

describe('ChangeLog', () => {
  it('knows what has changed since a read began', () => {
    const log = new ChangeLog();
    log.changed('a');
    const began = log.moment;
    expect([log.isUnchanged('a', began), log.isUnchanged('b', began)]).toEqual([true, true]);
    log.changed('b');
    expect([log.isUnchanged('a', began), log.isUnchanged('b', began)]).toEqual([true, false]);
    expect(log.isUnchanged('b', log.moment)).toBe(true);
  });

  it('counts everything as changed when it is told so', () => {
    const log = new ChangeLog();
    const began = log.moment;
    log.allChanged();
    expect([log.isUnchanged('a', began), log.isUnchanged('a', log.moment)]).toEqual([false, true]);
  });

  it('keeps nothing for unchanged that it has forgotten, and forgets none of the latest', () => {
    const log = new ChangeLog();
    const began = log.moment;
    log.changed('first');
    let wasKnownFor = 0;
    let mistakes = 0;
    for (let i = 0; i < 20_000; i++) {
      log.changed(`k${i}`);
      if (log.isUnchanged('first', began)) mistakes++;
      if (log.isUnchanged('other', began)) wasKnownFor = i;
    }
    expect(mistakes).toBe(0);
    expect(wasKnownFor).toBeGreaterThan(4_000);
    const latest = log.moment;
    for (let i = 0; i < 4_000; i++) log.changed(`l${i}`);
    expect([log.isUnchanged('other', latest), log.isUnchanged('l0', latest)]).toEqual([
      true,
      false,
    ]);
  });
});
