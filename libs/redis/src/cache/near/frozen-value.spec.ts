import { describe, expect, it } from '@jest/globals';
import { freezeDeep, textBytes } from './frozen-value.js';

/** How deep a value is frozen at its every object. */
function isFrozenDeep(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return true;
  return Object.isFrozen(value) && Object.values(value).every(isFrozenDeep);
}

describe('freezeDeep', () => {
  it.each([
    ['an object', { a: { b: [1, { c: 'd' }], e: null }, f: undefined }],
    ['a list', [[[]], {}, 'x', 1.5, true]],
    ['an object without a prototype', Object.assign(Object.create(null) as object, { a: {} })],
    ['a text', 'text'],
    ['nothing', null],
  ])('freezes everything in %s', (_, value) => {
    expect(freezeDeep(value)).toBeGreaterThanOrEqual(0);
    expect(isFrozenDeep(value)).toBe(true);
  });

  it.each([
    ['a date', new Date()],
    ['a map', new Map([['a', 1]])],
    ['bytes', Buffer.from('x')],
    [
      'an instance of a class',
      new (class Point {
        x = 1;
      })(),
    ],
    ['a function', Object.assign(() => 1, { a: 1 })],
  ])('freezes nothing if %s is in it: it keeps its state elsewhere', (name, one) => {
    const value = { first: { a: 1 }, one };
    const isKept = name === 'a function';
    expect(freezeDeep(value) === undefined).toBe(!isKept);
    expect(Object.isFrozen(value.first)).toBe(isKept);
  });

  it('freezes what is in itself, and what is deep, without running out of stack', () => {
    const ring: Record<string, unknown> = {};
    ring['self'] = ring;
    expect(freezeDeep(ring)).toBeGreaterThan(0);
    let deep: unknown[] = [];
    for (let i = 0; i < 100_000; i++) deep = [deep];
    expect(freezeDeep(deep)).toBeGreaterThan(100_000);
    expect(Object.isFrozen(deep[0])).toBe(true);
  });

  it('weighs more for more', () => {
    const weights = ['', 'x'.repeat(100), '€'.repeat(100)].map((text) => freezeDeep({ text }) ?? 0);
    expect(weights.map((weight) => weight - (weights[0] ?? 0))).toEqual([0, 100, 200]);
    expect([textBytes('é'), textBytes('€'), textBytes('')]).toEqual([1, 2, 0]);
  });
});
