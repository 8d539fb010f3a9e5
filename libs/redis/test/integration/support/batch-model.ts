import fc from 'fast-check';
import type { KeyedValues, RedisBatch, RedisBatchException } from 'nestjs-redis-data';

/** Keys that mean something to JavaScript, to Redis, to a cluster or to UTF-8. */
export const HOSTILE_KEYS = [
  '__proto__',
  'constructor',
  'toString',
  '{x}',
  '{x}:a',
  '{}',
  '*',
  'a b\r\n',
  '\0',
  'é',
  '😀',
  '1',
];

/** The expected content of Redis: the text at each key. */
export type BatchModel = Map<string, string>;

/** The outcome of a call: its result, or the failed keys and the results of the others. */
export type Settled =
  { readonly result: unknown } | { readonly failed: string[]; readonly rest: unknown };

export interface BatchOperation {
  /** Executes the operation in Redis. */
  readonly real: (batch: RedisBatch) => Promise<unknown>;
  /** Executes it in the model. */
  readonly expected: (model: BatchModel) => Settled;
}

export async function settled(call: Promise<unknown>): Promise<Settled> {
  try {
    return { result: await call };
  } catch (error) {
    const { errors, results } = error as RedisBatchException;
    return { failed: [...errors.keys()], rest: [...results] };
  }
}

const key = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...HOSTILE_KEYS) },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', minLength: 1, maxLength: 5 }) },
);
const keys = fc.array(key, { maxLength: 6 });

const value = fc.oneof(
  { weight: 2, arbitrary: fc.integer({ min: -3, max: 3 }) },
  { weight: 1, arbitrary: fc.constantFrom(Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER) },
  { weight: 2, arbitrary: fc.jsonValue({ maxDepth: 2 }) },
  { weight: 1, arbitrary: fc.constantFrom(undefined, 1n, null, '', Number.NaN) },
);
const delta = fc.oneof(fc.integer({ min: -5, max: 5 }), fc.maxSafeInteger());

interface Keyed<Value> {
  readonly input: KeyedValues<Value>;
  /** The entries of the input, in its order. */
  readonly entries: [string, Value][];
}

/** Maps and plain objects. */
function keyed<Value>(of: fc.Arbitrary<Value>): fc.Arbitrary<Keyed<Value>> {
  return fc
    .tuple(fc.array(fc.tuple(key, of), { maxLength: 6 }), fc.boolean())
    .map(([entries, asMap]) => {
      const map = new Map(entries);
      const record: Record<string, Value> = Object.fromEntries(entries);
      return asMap
        ? { input: map, entries: [...map] }
        : { input: record, entries: Object.entries(record) };
    });
}

const reading = keys.map((wanted): BatchOperation => ({
  real: async (batch) =>
    [...(await batch.getAll(wanted))].map(([name, found]) => [name, JSON.stringify(found)]),
  expected: (model) => ({
    result: [...new Set(wanted)].flatMap((name) =>
      model.has(name) ? [[name, model.get(name)]] : [],
    ),
  }),
}));

const writing = keyed<unknown>(value).map(({ input, entries }): BatchOperation => ({
  real: (batch) => batch.setAll(input),
  expected: (model) => {
    const failed: string[] = [];
    const rest: [string, true][] = [];
    for (const [name, given] of entries) {
      if (given === undefined || typeof given === 'bigint' || Number.isNaN(given)) {
        failed.push(name);
      } else {
        model.set(name, JSON.stringify(given));
        rest.push([name, true]);
      }
    }
    return failed.length > 0 ? { failed, rest } : { result: undefined };
  },
}));

const countingBy = keyed(delta).map(({ input, entries }) => countingOf(input, entries));

const countingOnes = keys.map((names) => {
  const occurrences = new Map<string, number>();
  for (const name of names) occurrences.set(name, (occurrences.get(name) ?? 0) + 1);
  return countingOf(names, [...occurrences]);
});

function countingOf(
  input: Parameters<RedisBatch['incrementAll']>[0],
  deltas: readonly [string, number][],
): BatchOperation {
  return {
    real: async (batch) => [...(await batch.incrementAll(input))],
    expected: (model) => {
      const failed: string[] = [];
      const rest: [string, number][] = [];
      for (const [name, by] of deltas) {
        const count = sumOf(model.get(name) ?? '0', by);
        if (count === undefined) {
          failed.push(name);
        } else {
          model.set(name, String(count));
          rest.push([name, count]);
        }
      }
      return failed.length > 0 ? { failed, rest } : { result: rest };
    },
  };
}

/** Returns the result of INCRBY, if it is a safe integer. */
function sumOf(text: string, by: number): number | undefined {
  if (!/^(0|-?[1-9]\d{0,18})$/.test(text)) return undefined;
  const sum = BigInt(text) + BigInt(by);
  const isSafe = sum <= Number.MAX_SAFE_INTEGER && sum >= Number.MIN_SAFE_INTEGER;
  return isSafe ? Number(sum) : undefined;
}

const deleting = keys.map((unwanted): BatchOperation => ({
  real: (batch) => batch.deleteAll(unwanted),
  expected: (model) => ({
    result: [...new Set(unwanted)].filter((name) => model.delete(name)).length,
  }),
}));

/** Any of the four, on keys that are likely to meet. */
export const anyBatchOperation: fc.Arbitrary<BatchOperation> = fc.oneof(
  reading,
  writing,
  countingBy,
  countingOnes,
  deleting,
);
