import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { encodeEntry, fillIdOf, LUA_FILL_ID_OF } from '../../src/cache/entry/envelope.js';
import { onOneServer } from './support/repository-servers.js';

const ENTRY = encodeEntry(
  { kind: 'v', fillId: 'abcdefghijk-_nopqrstuv', freshUntil: 5, loadedAt: 7 },
  'tx\nv1\n',
  '{"é":"😀"}',
);

const damaged = fc
  .record({
    at: fc.nat({ max: ENTRY.length }),
    remove: fc.nat({ max: 3 }),
    insert: fc.oneof(fc.string({ maxLength: 3 }), fc.constantFrom('', ':', '\n', 'é', '0')),
    length: fc.oneof(fc.constant(ENTRY.length), fc.nat({ max: ENTRY.length })),
  })
  .map(({ at, remove, insert, length }) =>
    (ENTRY.slice(0, at) + insert + ENTRY.slice(at + remove)).slice(0, length),
  );

onOneServer((stage) => {
  describe('The scripts', () => {
    const inLua = (texts: string[]) =>
      stage.client.eval(
        `${LUA_FILL_ID_OF}
        local ids = {}
        for i, text in ipairs(ARGV) do ids[i] = fill_id_of(text) end
        return ids`,
        0,
        ...texts,
      );

    it.each([
      ['whatever became of it', damaged],
      ['and none in foreign text', fc.string({ unit: 'binary' })],
    ])('see the load that made an entry as this process does, %s', async (_, any) => {
      const texts = [ENTRY, ...fc.sample(any, 2_000)];
      expect(await inLua(texts)).toEqual(texts.map(fillIdOf));
    });
  });
});
