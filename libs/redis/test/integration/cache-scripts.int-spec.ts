import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { encodeEntry, fillIdOf, LUA_FILL_ID_OF } from '../../src/cache/entry/envelope.js';
import { onOneServer } from './support/repository-servers.js';

const FACTS = {
  kind: 'v',
  serializer: 'json',
  fillId: 'abcdefghijk-_nopqrstuv',
  freshUntil: 5,
  liveUntil: 6,
  loadedAt: 7,
} as const;
const ENTRY = encodeEntry(FACTS, 'tx\nv1\n', Buffer.from('{"é":"😀"}'));
const BINARY = encodeEntry({ ...FACTS, serializer: 'x' }, '', Buffer.of(0, 255, 10));

const damaged = fc
  .record({
    at: fc.nat({ max: ENTRY.length }),
    remove: fc.nat({ max: 3 }),
    insert: fc.oneof(fc.string({ maxLength: 3 }), fc.constantFrom('', ':', '\n', 'é', '0', 's')),
    length: fc.oneof(fc.constant(ENTRY.length), fc.nat({ max: ENTRY.length })),
  })
  .map(({ at, remove, insert, length }) =>
    Buffer.concat([
      ENTRY.subarray(0, at),
      Buffer.from(insert),
      ENTRY.subarray(at + remove),
    ]).subarray(0, length),
  );

onOneServer((stage) => {
  describe('The scripts', () => {
    const inLua = (stored: Buffer[]) =>
      stage.client.eval(
        `${LUA_FILL_ID_OF}
        local ids = {}
        for i, text in ipairs(ARGV) do ids[i] = fill_id_of(text) end
        return ids`,
        0,
        ...stored,
      );

    it.each([
      ['also damaged', damaged],
      ['and none in foreign bytes', fc.uint8Array().map((bytes) => Buffer.from(bytes))],
    ])('find the load that made an entry in the same way as this process, %s', async (_, any) => {
      const stored = [ENTRY, BINARY, ...fc.sample(any, 2_000)];
      expect(await inLua(stored)).toEqual(stored.map(fillIdOf));
    });
  });
});
