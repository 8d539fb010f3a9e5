import { expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { RedisClient } from '../../src/connection/options/options.js';
import { listenedCache } from './support/cache-stage.js';
import { onEveryTopology } from './support/repository-servers.js';

const ROWS = 8;
const GROUPS = 3;
type Key = readonly ['row', number];

const row = fc.nat({ max: ROWS - 1 });
const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('read all'), rows: fc.array(row) }) },
  fc.record({ kind: fc.constant('read one'), rows: fc.tuple(row) }),
  fc.record({ kind: fc.constant('write'), rows: fc.tuple(row) }),
  fc.record({ kind: fc.constant('remove'), rows: fc.tuple(row) }),
  fc.record({ kind: fc.constant('invalidate'), rows: fc.tuple(row) }),
  fc.record({ kind: fc.constant('invalidate group'), rows: fc.tuple(row) }),
  fc.record({ kind: fc.constant('delete'), rows: fc.tuple(row) }),
  fc.record({ kind: fc.constant('change'), rows: fc.tuple(row) }),
);

/** Rows, and what is cached of them: `undefined` for nothing, `null` that there is none. */
class Model {
  readonly source = new Map<number, number>();
  readonly cached = new Map<number, number | null>();
  #version = 0;

  write(n: number): void {
    this.source.set(n, ++this.#version);
  }

  /** @returns the rows that have to be loaded, in their order */
  read(rows: readonly number[]): number[] {
    const missing = [...new Set(rows)].filter((n) => !this.cached.has(n));
    for (const n of missing) this.cached.set(n, this.source.get(n) ?? null);
    return missing;
  }

  forget(isSo: (n: number) => boolean): void {
    for (const n of [...this.cached.keys()]) if (isSo(n)) this.cached.delete(n);
  }
}

const groupOf = (n: number) => n % GROUPS;
const tagsOf = ([, n]: Key) => [`row-${n}`, `group-${groupOf(n)}`];

onEveryTopology((stage) => {
  it('getOrLoadAll reads and loads the same as a model, after any operations', async () => {
    const other = await stage.open();
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(fc.boolean(), step), { maxLength: 40 }), async (steps) => {
        const keys = stage.keys();
        const open = (client: RedisClient) =>
          listenedCache(client, keys, { negativeTtl: '1h' }).cache;
        const [one, two] = [open(stage.client), open(other)];
        const model = new Model();
        const keyOf = (n: number): Key => ['row', n];
        for (const [isFirst, { kind, rows }] of steps) {
          const cache = isFirst ? one : two;
          const [n = 0] = rows;
          switch (kind) {
            case 'read all': {
              const expected = model.read(rows);
              const asked: Key[] = [];
              const found = await cache.getOrLoadAll(
                rows.map(keyOf),
                (missing) => {
                  asked.push(...missing);
                  const there = missing.filter(([, m]) => model.source.has(m)).reverse();
                  return new Map(there.map(([, m]) => [keyOf(m), model.source.get(m)]));
                },
                { tags: tagsOf },
              );
              expect(asked.map(([, m]) => m)).toEqual(expected);
              const present = rows.filter((m) => model.cached.get(m) !== null);
              expect([...found]).toEqual(present.map((m) => [keyOf(m), model.cached.get(m)]));
              break;
            }
            case 'read one': {
              const expected = model.read([n]).length;
              let loads = 0;
              const load = () => {
                loads++;
                return model.source.get(n);
              };
              const found = await cache.getOrLoad(keyOf(n), load, { tags: tagsOf(keyOf(n)) });
              expect([loads, found ?? null]).toEqual([expected, model.cached.get(n)]);
              break;
            }
            case 'write':
              model.write(n);
              break;
            case 'remove':
              model.source.delete(n);
              break;
            case 'invalidate':
              await cache.invalidateTags(`row-${n}`);
              model.forget((m) => m === n);
              break;
            case 'invalidate group':
              await cache.invalidateTags(`group-${groupOf(n)}`);
              model.forget((m) => groupOf(m) === groupOf(n));
              break;
            case 'delete':
              await cache.delete(keyOf(n));
              model.forget((m) => m === n);
              break;
            case 'change':
              await cache.change({ tags: [`row-${n}`] }, async () => {
                model.write(n);
              });
              model.forget((m) => m === n);
          }
        }
      }),
      { numRuns: 60 },
    );
  });
});
