import { describe, expect, it } from '@jest/globals';
import { Remembered } from './lru.js';

describe('Remembered', () => {
  it('keeps what is in use, and lets go of the rest', () => {
    const some = new Remembered<number>(3);
    some.set('used', 0);
    for (let i = 1; i <= 30; i++) {
      some.set(`once ${i}`, i);
      expect(some.get('used')).toBe(0);
    }
    const kept = Array.from({ length: 30 }, (_, i) => some.get(`once ${i + 1}`));
    expect(kept.filter((one) => one !== undefined).length).toBeLessThanOrEqual(6);
    expect(some.get('once 30')).toBe(30);
  });

  it('keeps less of what is heavy', () => {
    const some = new Remembered<string>(10, ({ length }) => length);
    const heavy = 'x'.repeat(10);
    for (const name of ['a', 'b', 'c']) some.set(name, heavy);
    expect(['a', 'b', 'c'].map((name) => some.get(name))).toEqual([undefined, heavy, heavy]);
  });

  it('does not count what is replaced', () => {
    const some = new Remembered<number>(3);
    some.set('other', 0);
    for (let i = 0; i < 10; i++) some.set('same', i);
    expect([some.get('same'), some.get('other')]).toEqual([9, 0]);
  });
});
