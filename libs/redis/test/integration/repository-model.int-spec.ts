/**
 * Random operations with hostile ids and values, against a plain map that says what has to come of
 * them.
 */
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { EntityId, Indexed, RedisEntity, type RedisRepository } from '../../src/index.js';
import { collect, settled } from '../../src/testing/contract/fixture.js';
import { onCluster, onOneServer, type Stage } from './support/repository-servers.js';

@RedisEntity({ kind: 'doc' })
class Doc {
  @EntityId() id!: string;
  @Indexed({ unique: true }) slug?: string | null;
  @Indexed() group!: string;
  data?: unknown;
}

type Model = Map<string, Doc>;
type Act = (docs: RedisRepository<Doc>, model: Model) => Promise<void>;

const LARGE = 'L'.repeat(1024 * 1024);
const HOSTILE = [
  '__proto__',
  'constructor',
  'toString',
  'a:b',
  '*',
  '[a]',
  '{x}',
  '%2A',
  '\0',
  'ä😀',
];

const id = fc.constantFrom('1', '2', 'é', '\ud800', 'a\udfffb', ...HOSTILE);
const group = fc.constantFrom('', 'a', '*', '{x}', 'a:b', '\ud800', 'x'.repeat(201));
const slug = fc.option(
  fc.constantFrom('', '\ud800', 's', 't', '__proto__', '{x}', '*', 'y'.repeat(300)),
  {
    freq: 3,
  },
);
const data = fc.oneof(
  { weight: 20, arbitrary: fc.jsonValue({ maxDepth: 3 }) },
  { weight: 5, arbitrary: fc.constantFrom('', ...HOSTILE, '\ud800\udc00\udc00') },
  {
    weight: 5,
    arbitrary: fc.constant(JSON.parse('{"__proto__":{"a":[]},"constructor":{"b":1}}') as unknown),
  },
  { weight: 1, arbitrary: fc.constant(LARGE) },
);
const doc = fc.record({ id, slug, group, data });

/** As it comes back: what was -0 is 0 in JSON, and there are no prototypes. */
const stored = (given: Doc): Doc => JSON.parse(JSON.stringify(given)) as Doc;

const takenIn = (model: Model, { id, slug }: Doc): boolean =>
  slug !== null && [...model.values()].some((other) => other.id !== id && other.slug === slug);

/** Expects equal values, however large: a difference is not printed in full. */
function expectSame(actual: unknown, expected: unknown): void {
  const [a, b] = [actual, expected].map((value) => JSON.stringify(canonical(value)));
  if (a !== b) expect(a?.slice(0, 2_000)).toBe(b?.slice(0, 2_000));
  expect(a === b).toBe(true);
}

/** With the members of objects in order. */
function canonical(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(canonical);
  if (typeof value !== 'object' || value === null) return value ?? null;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return entries.map(([name, inner]) => [name, canonical(inner)]);
}

const byId = (docs: Iterable<Doc>) => [...docs].sort((a, b) => (a.id < b.id ? -1 : 1));

const acts: fc.Arbitrary<Act>[] = [
  doc.map((given) => async (docs, model) => {
    const outcome = await settled(docs.save(Object.assign({}, given)));
    expect(outcome).toBe(takenIn(model, given) ? 'REDIS_CONFLICT' : 'done');
    if (outcome === 'done') model.set(given.id, stored(given));
  }),
  fc
    .uniqueArray(doc, { selector: (given) => given.slug ?? {}, maxLength: 5 })
    .map((given) => async (docs, model) => {
      // Without slugs that are in use nothing depends on the order in which they are saved.
      const used = new Set([...model.values()].map((other) => other.slug));
      const free = given.filter((one) => !used.has(one.slug));
      await docs.saveAll(free);
      for (const one of free) model.set(one.id, stored(one));
    }),
  fc
    .tuple(id, fc.record({ slug, group, data }, { requiredKeys: [] }), fc.boolean())
    .map(([id, patch, isFunction]) => async (docs, model) => {
      const before = model.get(id);
      const after = before && Object.assign({}, before, patch);
      const updating = docs.update(
        id,
        isFunction ? (entity) => void Object.assign(entity, patch) : patch,
      );
      if (after && takenIn(model, after)) {
        expect(await settled(updating)).toBe('REDIS_CONFLICT');
        return;
      }
      const updated = await updating;
      expect(updated === null).toBe(after === undefined);
      if (after) model.set(id, stored(after));
    }),
  id.map((id) => async (docs, model) => {
    expect(await docs.delete(id)).toBe(model.delete(id));
  }),
  fc.array(id).map((ids) => async (docs, model) => {
    expect(await docs.deleteAll(ids)).toBe(ids.filter((id) => model.delete(id)).length);
  }),
  id.map((id) => async (docs, model) => {
    expectSame(await docs.getById(id), model.get(id) ?? null);
    expect(await docs.exists(id)).toBe(model.has(id));
  }),
  fc.array(id).map((ids) => async (docs, model) => {
    const found = await docs.getAll(ids);
    const there = [...new Set(ids)].filter((id) => model.has(id));
    expect([...found.keys()]).toEqual(there);
    expectSame(
      [...found.values()],
      there.map((id) => model.get(id)),
    );
  }),
  fc.tuple(group, fc.boolean()).map(([group, isOne]) => async (docs, model) => {
    const there = byId([...model.values()].filter((one) => one.group === group));
    if (isOne) {
      const found = await docs.findOneBy({ group });
      expectSame(found, (found && model.get(found.id)) ?? null);
      expect(found === null).toBe(there.length === 0);
    } else expectSame(byId(await docs.findBy({ group })), there);
  }),
  fc.tuple(slug, group).map(([slug, group]) => async (docs, model) => {
    if (slug === null) return;
    const there = [...model.values()].find((one) => one.slug === slug);
    expectSame(await docs.findOneBy({ slug }), there ?? null);
    const isIn = there?.group === group;
    expectSame(await docs.findBy({ group, slug }), isIn ? [there] : []);
  }),
  fc.constant(async (docs, model) => {
    expect((await collect(docs.ids())).sort()).toEqual([...model.keys()].sort());
    expect(await docs.count()).toBe(model.size);
    expectSame(byId(await collect(docs.entities())), byId(model.values()));
  }),
];

const sequences = fc.array(fc.oneof(...acts), { minLength: 1, maxLength: 25 });

function expectBehaviourOfAMap(stage: Stage): Promise<void> {
  return fc.assert(
    fc.asyncProperty(sequences, async (sequence) => {
      const docs = stage.repository(Doc);
      const model: Model = new Map();
      for (const act of sequence) await act(docs, model);
      expectSame(byId((await docs.getAll([...model.keys()])).values()), byId(model.values()));
    }),
    { numRuns: 150, seed: 42, endOnFailure: true },
  );
}

describe('A repository behaves like a map for any operations', () => {
  onOneServer((stage) => {
    it('with all its indexes', () => expectBehaviourOfAMap(stage));
  });
  onCluster((stage) => {
    it('with all its indexes in other slots', () => expectBehaviourOfAMap(stage));
  });
});
