import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { countIn, parseInfo } from './info-fields.js';

const name = fc.stringMatching(/^[a-z][a-z0-9_]{0,20}$/);
const value = fc.stringMatching(/^[\w.%/-][\w.:%/=,-]{0,30}$/);
const lineEnd = fc.constantFrom('\r\n', '\n', '\r', '\n\n', '\r\n\r\n');
const noise = fc.constantFrom('', '# Memory', '#a:1', 'no field', ':1', '\0');

describe('the fields of INFO', () => {
  it('are found whatever ends the lines, and whatever else is there', () => {
    fc.assert(
      fc.property(fc.dictionary(name, value), lineEnd, noise, (given, end, other) => {
        const lines = Object.entries(given).flatMap(([key, text]) => [other, `${key}:${text}`]);
        expect(parseInfo(lines.join(end))).toEqual(new Map(Object.entries(given)));
      }),
    );
  });

  it('are read from any text at all', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        for (const [key, found] of parseInfo(text)) {
          expect(key).not.toBe('');
          expect(text).toContain(key);
          expect(text).toContain(found);
        }
      }),
    );
  });

  it('keep the colons of a value', () => {
    expect(parseInfo('slave0:ip=::1,port=1\r\n').get('slave0')).toBe('ip=::1,port=1');
  });

  it.each([
    ['0', 0],
    ['1048576', 1_048_576],
    ['18446744073709551615', 2 ** 64],
    ['', undefined],
    ['-1', undefined],
    ['1.5', undefined],
    ['1e9', undefined],
    ['0x10', undefined],
    ['1 024', undefined],
    ['9'.repeat(400), undefined],
    ['NaN', undefined],
  ])('count %j as %p', (text, count) => {
    expect(countIn(parseInfo(`used_memory:${text}\r\n`), 'used_memory')).toBe(count);
  });

  it('count nothing that is not there', () => {
    expect(countIn(parseInfo('used_memory_human:1M\r\n'), 'used_memory')).toBeUndefined();
  });
});
