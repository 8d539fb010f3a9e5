import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { parseIsoDate, withWrittenDates, writeIsoDate } from './iso-date.js';

const FIRST = Date.parse('0000-01-01T00:00:00.000Z');
const LAST = Date.parse('9999-12-31T23:59:59.999Z');
const DAY_MS = 86_400_000;

describe('parseIsoDate', () => {
  it('gives what Date gives, or leaves it to Date', () => {
    fc.assert(
      fc.property(fc.integer({ min: FIRST, max: LAST }), (time) => {
        const text = new Date(time).toISOString();
        const isLate = new Date(time).getUTCDate() > 28;
        expect(parseIsoDate(text)).toBe(isLate ? undefined : time);
      }),
    );
  });

  it('gives what Date gives for any digits in the places of a date', () => {
    const part = (width: number, max: number) =>
      fc.integer({ min: 0, max }).map((number) => String(number).padStart(width, '0'));
    const parts = [part(4, 9_999), part(2, 13), part(2, 32), part(2, 25), part(2, 61), part(2, 61)];
    fc.assert(
      fc.property(fc.tuple(...parts, part(3, 999)), ([y, mo, d, h, mi, s, ms]) => {
        const text = `${y}-${mo}-${d}T${h}:${mi}:${s}.${ms}Z`;
        expect([undefined, Date.parse(text)]).toContain(parseIsoDate(text));
      }),
      { numRuns: 2_000 },
    );
  });

  it.each([
    '',
    '2024-05-06',
    '2024-05-06T07:08:09Z',
    '2024-05-06T07:08:09.010+01:00',
    '2024-05-06T07:08:09.010z',
    '2024-05-06 07:08:09.010Z',
    '2024-05-06T07:08:0x.010Z',
    '2024-05-06T07:08:09.01xZ',
    '2024-05-06T07:08:09.x10Z',
    '20x4-05-06T07:08:09.010Z',
    'x024-05-06T07:08:09.010Z',
    '+02024-05-06T07:08:09.010Z',
    '2024-13-06T07:08:09.010Z',
    '2024-00-06T07:08:09.010Z',
    '2024-05-00T07:08:09.010Z',
    '2024-05-06T24:00:00.000Z',
    '2024-05-06T07:60:00.000Z',
    '２024-05-06T07:08:09.010Z',
  ])('leaves %j to Date', (text) => {
    expect(parseIsoDate(text)).toBeUndefined();
  });
});

describe('writeIsoDate', () => {
  it('gives what Date gives', () => {
    fc.assert(
      fc.property(fc.integer({ min: FIRST, max: LAST }), (time) => {
        expect(writeIsoDate(time)).toBe(new Date(time).toISOString());
      }),
    );
    for (let day = FIRST; day < FIRST + 401 * 366 * DAY_MS; day += DAY_MS) {
      if (writeIsoDate(day) !== new Date(day).toISOString()) throw new Error(String(day));
    }
  });

  it.each([FIRST - 1, LAST + 1, Number.NaN, 8.64e15])('leaves %d to Date', (time) => {
    expect(writeIsoDate(time)).toBeUndefined();
  });
});

describe('withWrittenDates', () => {
  const written = (entity: object) => JSON.stringify(withWrittenDates(entity));

  it('writes what JSON writes', () => {
    class Late extends Date {
      override toISOString(): string {
        return 'late';
      }
    }
    class Shifted extends Date {
      override getTime(): number {
        return super.getTime() + 1_000;
      }
    }
    class Empty extends Date {
      override valueOf(): number {
        return Number.NaN;
      }
    }
    const own = Object.assign(new Date(5), { toJSON: () => 'own' });
    const ownTime = Object.assign(new Date(5), { getTime: () => 7 });
    const entities = [
      { shifted: new Shifted(0), empty: new Empty(0), ownTime },
      { id: '1', at: new Date(0), name: 'ä"\u2028', none: null, missing: undefined, 2: 'two' },
      { at: new Late(0), own, invalid: new Date(Number.NaN), far: new Date(8.64e15) },
      { list: [new Date(1)], nested: { at: new Date(2) }, work: () => 1 },
    ];
    for (const entity of entities) expect(written(entity)).toBe(JSON.stringify(entity));
  });

  it('leaves dates to their class once the program has changed how it writes them', () => {
    const { toJSON } = Date.prototype;
    Date.prototype.toJSON = () => 'changed';
    try {
      expect(written({ at: new Date(0) })).toBe('{"at":"changed"}');
    } finally {
      Date.prototype.toJSON = toJSON;
    }
  });

  it('leaves the entity as it is', () => {
    const entity = { at: new Date(0) };
    withWrittenDates(entity);
    expect(entity.at).toEqual(new Date(0));
  });
});
