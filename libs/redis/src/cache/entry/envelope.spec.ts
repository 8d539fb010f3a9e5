import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { decodeEntry, encodeEntry, fillIdOf, type EntryFacts, type EntryKind } from './envelope.js';

const facts: fc.Arbitrary<EntryFacts> = fc.record({
  kind: fc.constantFrom<EntryKind>('v', 'n', 'u'),
  fillId: fc.stringMatching(/^[\w-]{22}$/),
  freshUntil: fc.nat({ max: 9_999_999_999_999 }),
  loadedAt: fc.nat({ max: 9_999_999_999_999 }),
});

const text = fc.oneof(fc.string({ unit: 'binary' }), fc.string(), fc.constantFrom('', 'c1v', '\n'));

const EXAMPLE = encodeEntry(
  { kind: 'v', fillId: 'abcdefghijklmnopqrstuv', freshUntil: 5, loadedAt: 7 },
  'tx\nv1\n',
  '{"a":1}',
);

describe('An entry', () => {
  it('is a header of fixed size, the dependencies and the body', () => {
    expect(EXAMPLE).toBe(
      'c1vabcdefghijklmnopqrstuv000000000000500000000000070000006tx\nv1\n{"a":1}',
    );
  });

  it('is decoded to what was encoded, whatever that was', () => {
    fc.assert(
      fc.property(facts, text, text, (given, dependencies, body) => {
        const stored = encodeEntry(given, dependencies, body);
        const entry = decodeEntry(stored);
        expect(entry).toMatchObject(given);
        expect(stored.slice(entry?.dependenciesAt, entry?.bodyAt)).toBe(dependencies);
        expect(stored.slice(entry?.bodyAt)).toBe(body);
        expect(fillIdOf(stored)).toBe(given.fillId);
      }),
    );
  });

  it('that was torn before its body is none', () => {
    for (let length = 0; length < EXAMPLE.length - '{"a":1}'.length; length++) {
      expect(decodeEntry(EXAMPLE.slice(0, length))).toBeUndefined();
    }
    expect(decodeEntry(EXAMPLE)).toBeDefined();
  });

  it.each([
    ['another format', EXAMPLE.replace('c1', 'c2')],
    ['another kind', EXAMPLE.replace('c1v', 'c1x')],
    ['a time that is none', EXAMPLE.replace('0000000005', '00000000-5')],
    ['a load that is none', EXAMPLE.replace('abc', 'a:c')],
    ['JSON', '{"a":1}'],
  ])('is not what has %s', (_, foreign) => {
    expect([decodeEntry(foreign), fillIdOf(foreign)]).toEqual([undefined, '']);
  });

  it('is never made of foreign text by chance, and none makes it throw', () => {
    fc.assert(
      fc.property(text, (foreign) => {
        expect([decodeEntry(foreign), fillIdOf(foreign)]).toEqual([undefined, '']);
      }),
    );
  });

  it('keeps the id of its load when it is torn behind the header: the script has to agree', () => {
    expect(fillIdOf(EXAMPLE.slice(0, 58))).toBe('abcdefghijklmnopqrstuv');
    expect(fillIdOf(EXAMPLE.slice(0, 57))).toBe('');
  });
});
