import { RedisConfigurationException } from '../errors/redis-configuration.exception.js';
import { RedisInvalidKeyException } from '../errors/redis-invalid-key.exception.js';
import { inSlices } from './chunks.js';

/** Values by key, as a `Map` or as a plain object. @publicApi */
export type KeyedValues<Value> = ReadonlyMap<string, Value> | Readonly<Record<string, Value>>;

/**
 * Copies the keys, each once: the caller may change the array while chunks are under way.
 *
 * @throws RedisInvalidKeyException
 * @internal
 */
export async function distinctKeys(keys: readonly string[]): Promise<Set<string>> {
  const distinct = new Set<string>();
  await inSlices([...keys], (key, i) => {
    checkKey(key, i);
    distinct.add(key);
  });
  return distinct;
}

/**
 * Copies the values by key.
 *
 * @throws RedisInvalidKeyException
 * @internal
 */
export async function keyedValues<Value>(values: KeyedValues<Value>): Promise<Map<string, Value>> {
  // Two arrays, because one array per entry makes the copy of a large Map ten times slower, and
  // Object.values takes three times as long as reading the values one by one.
  const keys = isMap(values) ? [...values.keys()] : Object.keys(values);
  const valuesOfKeys = isMap(values) ? [...values.values()] : keys.map((key) => values[key]);
  const copy = new Map<string, Value>();
  await inSlices(keys, (key, i) => {
    checkKey(key, i);
    copy.set(key, valuesOfKeys[i] as Value);
  });
  return copy;
}

/**
 * Tells what to add to each counter. A key that is named twice counts twice.
 *
 * @throws RedisInvalidKeyException
 * @throws RedisConfigurationException for what is not a whole number that JavaScript holds exactly
 * @internal
 */
export async function deltasOf(
  keysOrDeltas: readonly string[] | KeyedValues<number>,
): Promise<Map<string, number>> {
  if (isArray(keysOrDeltas)) return occurrencesOf(keysOrDeltas);
  const deltas = await keyedValues(keysOrDeltas);
  await inSlices([...deltas.keys()], (key) => {
    const delta = deltas.get(key);
    if (!Number.isSafeInteger(delta)) throw unfitDelta(key, delta);
  });
  return deltas;
}

async function occurrencesOf(keys: readonly string[]): Promise<Map<string, number>> {
  const occurrences = new Map<string, number>();
  await inSlices([...keys], (key, i) => {
    checkKey(key, i);
    occurrences.set(key, (occurrences.get(key) ?? 0) + 1);
  });
  return occurrences;
}

function checkKey(key: unknown, i: number): void {
  if (typeof key !== 'string') throw unfitKey(i, `is of type ${typeof key}, not a string`);
  if (key === '') throw unfitKey(i, 'is empty');
  // In UTF-8 every half becomes the same character, and different keys one.
  if (!key.isWellFormed()) throw unfitKey(i, 'holds half of a surrogate pair');
}

function unfitKey(i: number, problem: string): RedisInvalidKeyException {
  return new RedisInvalidKeyException(`key ${i + 1}`, problem);
}

function unfitDelta(key: string, delta: unknown): RedisConfigurationException {
  const accepted = `a whole number from ${Number.MIN_SAFE_INTEGER} to ${Number.MAX_SAFE_INTEGER}`;
  return new RedisConfigurationException([
    { setting: `the increment of "${key}"`, value: String(delta), accepted },
  ]);
}

/** Not `instanceof`: a Map may come from another realm, or be a class of the application. */
function isMap<Value>(values: KeyedValues<Value>): values is ReadonlyMap<string, Value> {
  return Symbol.iterator in values;
}

/** `Array.isArray` does not narrow a readonly array. */
function isArray(value: readonly string[] | object): value is readonly string[] {
  return Array.isArray(value);
}
