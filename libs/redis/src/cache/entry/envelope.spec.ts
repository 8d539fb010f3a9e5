import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { decodeEntry, encodeEntry, fillIdOf, type EntryFacts, type EntryKind } from './envelope.js';

const facts: fc.Arbitrary<EntryFacts> = fc
  .record({
    kind: fc.constantFrom<EntryKind>('v', 'n', 'u'),
    serializer: fc.oneof(fc.constant('json'), fc.stringMatching(/^[!-~]{1,64}$/)),
    fillId: fc.stringMatching(/^[\w-]{22}$/),
    freshUntil: fc.nat({ max: 9_999_999_999_999 }),
    loadedAt: fc.nat({ max: 9_999_999_999_999 }),
  })
  .map((made) => (made.kind === 'v' ? made : { ...made, serializer: 'json' }));

const text = fc.oneof(fc.string({ unit: 'binary' }), fc.string(), fc.constantFrom('', 'c1v', '\n'));
const bytes = fc
  .oneof(
    fc.uint8Array(),
    text.map((one) => Buffer.from(one)),
  )
  .map((one) => Buffer.from(one));

const FACTS = {
  kind: 'v',
  serializer: 'json',
  fillId: 'abcdefghijklmnopqrstuv',
  freshUntil: 5,
  loadedAt: 7,
} as const;
const EXAMPLE = encodeEntry(FACTS, 'tx\nv1\n', Buffer.from('{"a":1}'));
const BINARY = encodeEntry({ ...FACTS, serializer: 'msgpack' }, 'tx\nv1\n', Buffer.of(0, 255, 10));

/** The example, with something else in its place. */
const withIn = (from: string, to: string) =>
  Buffer.from(EXAMPLE.toString('latin1').replace(from, to), 'latin1');

describe('An entry', () => {
  it('is a header of fixed size, the dependencies and the body', () => {
    expect(EXAMPLE.toString()).toBe(
      'c1vabcdefghijklmnopqrstuv000000000000500000000000070000006tx\nv1\n{"a":1}',
    );
  });

  it('has the name of its serializer before its body, unless that is JSON', () => {
    const head = 'c1sabcdefghijklmnopqrstuv000000000000500000000000070000006tx\nv1\nmsgpack\n';
    expect(BINARY).toEqual(Buffer.concat([Buffer.from(head), Buffer.of(0, 255, 10)]));
  });

  it('is decoded to what was encoded, whatever that was', () => {
    fc.assert(
      fc.property(facts, text, bytes, (given, dependencies, body) => {
        const named = Buffer.from(dependencies).toString(); // without halves of characters
        const stored = encodeEntry(given, named, body);
        const entry = decodeEntry(stored);
        expect(entry).toMatchObject(given);
        expect(entry?.dependencies).toBe(named);
        expect(entry?.hasDependencies).toBe(named !== '');
        expect(entry?.body).toEqual(body);
        expect(fillIdOf(stored)).toBe(given.fillId);
      }),
    );
  });

  it.each([
    [EXAMPLE, '{"a":1}'.length],
    [BINARY, 3],
  ])('that was torn before its body is none: %#', (whole, bodyLength) => {
    for (let length = 0; length < whole.length - bodyLength; length++) {
      expect(decodeEntry(whole.subarray(0, length))).toBeUndefined();
    }
    expect(decodeEntry(whole)).toBeDefined();
  });

  it.each([
    ['another format', withIn('c1', 'c2')],
    ['another kind', withIn('c1v', 'c1x')],
    ['a time that is none', withIn('0000000005', '00000000-5')],
    ['a load that is none', withIn('abc', 'a:c')],
    ['JSON', Buffer.from('{"a":1}')],
  ])('is not what has %s', (_, foreign) => {
    expect([decodeEntry(foreign), fillIdOf(foreign)]).toEqual([undefined, '']);
  });

  it('is never made of foreign bytes by chance, and none make it throw', () => {
    fc.assert(
      fc.property(bytes, (foreign) => {
        expect([decodeEntry(foreign), fillIdOf(foreign)]).toEqual([undefined, '']);
      }),
    );
  });

  it('keeps the id of its load when it is torn behind the header: the script has to agree', () => {
    expect(fillIdOf(EXAMPLE.subarray(0, 58))).toBe('abcdefghijklmnopqrstuv');
    expect(fillIdOf(EXAMPLE.subarray(0, 57))).toBe('');
  });
});
