import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { encodeEntry, fillIdOf, LUA_FILL_ID_OF } from '../../src/cache/entry/envelope.js';
import { onOneServer } from './support/repository-servers.js';

const ENTRY = encodeEntry(
  { kind: 'v', fillId: 'abcdefghijk-_nopqrstuv', freshUntil: 5, loadedAt: 7 },
  'tx\nv1\n',
  '{"é":"😀"}',
);

onOneServer((stage) => {
  describe('The scripts', () => {
    const inLua = (text: string) =>
      stage.client.eval(`${LUA_FILL_ID_OF} return fill_id_of(ARGV[1])`, 0, text);

    it('see the load that made an entry as this process does, whatever became of it', async () => {
      const damage = fc.record({
        at: fc.nat({ max: ENTRY.length }),
        remove: fc.nat({ max: 3 }),
        insert: fc.oneof(fc.string({ maxLength: 3 }), fc.constantFrom('', ':', '\n', 'é', '0')),
        length: fc.oneof(fc.constant(ENTRY.length), fc.nat({ max: ENTRY.length })),
      });
      await fc.assert(
        fc.asyncProperty(damage, async ({ at, remove, insert, length }) => {
          const text = (ENTRY.slice(0, at) + insert + ENTRY.slice(at + remove)).slice(0, length);
          expect([text, await inLua(text)]).toEqual([text, fillIdOf(text)]);
        }),
        { numRuns: 1_000 },
      );
      expect(await inLua(ENTRY)).toBe('abcdefghijk-_nopqrstuv');
    });

    it('see none in foreign text', async () => {
      await fc.assert(
        fc.asyncProperty(fc.string({ unit: 'binary' }), async (text) => {
          expect(await inLua(text)).toBe('');
        }),
      );
    });
  });
});
