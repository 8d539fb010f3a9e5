import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { rankAfter, rankOf, rankOfGiven } from './rank.js';

const rank = (value: unknown) => rankOf(value) ?? '';
const finite = fc.double({ noNaN: true, noDefaultInfinity: true });
const integers = fc.integer({ min: -1_000, max: 1_000 });

describe('A rank', () => {
  it('sorts as numbers do, and is the same for equal numbers', () => {
    fc.assert(
      fc.property(fc.oneof(finite, integers), fc.oneof(finite, integers), (a, b) => {
        const [x, y] = [rank(a), rank(b)];
        expect([x < y, x === y]).toEqual([a < b, a === b]);
        expect(x).toMatch(/^[0-9a-f]{16}$/);
      }),
      { numRuns: 2_000 },
    );
  });

  it('sorts as dates do', () => {
    fc.assert(
      fc.property(fc.date({ noInvalidDate: true }), fc.date({ noInvalidDate: true }), (a, b) => {
        const [x, y] = [rank(a.toJSON()), rank(b.toJSON())];
        expect([x < y, x === y]).toEqual([a < b, a.getTime() === b.getTime()]);
        expect(rankOfGiven(a)).toBe(x);
      }),
      { numRuns: 500 },
    );
  });

  it('is followed by the rank of the next larger number', () => {
    expect(rankAfter(rank(1))).toBe(rank(1 + Number.EPSILON));
    expect(rankAfter(rank(0))).toBe(rank(Number.MIN_VALUE));
    expect(rankAfter(rank(Number.MAX_VALUE)) > rank(Number.MAX_VALUE)).toBe(true);
    expect(rankAfter(rank(-Number.MIN_VALUE)) <= rank(0)).toBe(true);
  });

  it('takes 0 and -0 for the same, as JSON does', () => {
    expect(rank(-0)).toBe(rank(0));
  });

  it.each(['2024-05-06T07:08:09.010Z', '2024-05-06T09:08:09.01+02:00', '2024-02-29T00:00Z'])(
    'knows the date %s',
    (text) => {
      expect(rank(text)).toBe(rankOfGiven(new Date(text)));
    },
  );

  it.each<[unknown]>([
    ['2024'],
    ['5'],
    [''],
    ['2024-05-06'],
    ['2024-13-06T07:08:09.010Z'],
    [true],
    [null],
    [undefined],
    [[5]],
    [{}],
    [Infinity],
    [NaN],
  ])('does not exist for %p', (value) => {
    expect(rankOf(value)).toBeUndefined();
  });

  it.each<[unknown]>([['2024-05-06T07:08:09.010Z'], [new Date(NaN)], [NaN], [-Infinity], [5n]])(
    'is not given to the bound %p',
    (value) => {
      expect(rankOfGiven(value)).toBeUndefined();
    },
  );
});
