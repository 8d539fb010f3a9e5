import { types } from 'node:util';
import { RedisConfigurationException } from '../../errors/redis-configuration.exception.js';
import { conditionIn, type Criteria } from '../criteria.js';
import { rankAfter, rankOf, rankOfGiven, type Rank } from './rank.js';
import { spanOf, type Span } from './spans.js';

/** The most values that one property may have in criteria: each is a key to look at. */
const MOST_VALUES = 100;

/** Describes one property of the entities that are looked for. */
export interface Condition {
  readonly property: string;
  /** The values, as text, if the property should have one of some; `undefined` for a range. */
  readonly values?: readonly string[];
  /** The ranks, in order; `undefined` if a value has none. */
  readonly spans?: readonly Span[];
  /** @param stored a value as JSON has it */
  readonly isMetBy: (stored: unknown) => boolean;
}

/** Why criteria cannot be looked for, for the caller who knows the operation to throw. */
export type Refuse = (property: string, value: string, accepted: string) => Error;

/**
 * Reads criteria.
 *
 * @throws what `refuse` makes, for a value or a condition that cannot be looked for
 */
export function conditionsOf(criteria: object, refuse: Refuse): Condition[] {
  return Object.entries(criteria).map(([property, sought]) => {
    const condition = conditionIn(sought);
    const fail = (value: string, accepted: string) => refuse(property, value, accepted);
    if (!condition) return oneOf(property, [sought], fail);
    if (!('inRange' in condition)) return oneOf(property, listOf(condition.oneOf, fail), fail);
    return inRange(property, condition.inRange, fail);
  });
}

/**
 * Whether an entity in memory meets criteria, as `findBy` compares them: for test doubles of a repository.
 *
 * @example
 * const found = users.filter((user) => meetsCriteria(user, { country: oneOf(['FR', 'DE']) }));
 *
 * @throws RedisConfigurationException for criteria that no repository looks for
 * @publicApi
 */
export function meetsCriteria<T extends object>(entity: T, criteria: Criteria<T>): boolean {
  const refuse: Refuse = (property, value, accepted) =>
    new RedisConfigurationException([
      { setting: 'criteria', value: `${property} ${value}`, accepted },
    ]);
  return conditionsOf(criteria, refuse).every(({ property, isMetBy }) => {
    const value = (entity as Record<string, unknown>)[property] ?? valueOf(entity, property);
    return isMetBy(types.isDate(value) ? value.toJSON() : value);
  });
}

/** The value of a property, as JSON has it; or of a property of a nested object, by its path. */
export function valueOf(plain: object, property: string): unknown {
  if (Object.hasOwn(plain, property)) return (plain as Record<string, unknown>)[property];
  if (!property.includes('.')) return undefined;
  let value: unknown = plain;
  for (const name of property.split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name))
      return undefined;
    value = (value as Record<string, unknown>)[name];
  }
  return value;
}

/** A value of JSON as text; `undefined` for lists and objects, and where there is none. */
export function asText(stored: unknown): string | undefined {
  switch (typeof stored) {
    case 'string':
      return stored;
    case 'number':
    case 'boolean':
      return String(stored);
    default:
      return undefined;
  }
}

type Fail = (value: string, accepted: string) => Error;

function oneOf(property: string, sought: readonly unknown[], fail: Fail): Condition {
  const values = new Set<string>();
  const ranks = new Set<Rank | undefined>();
  for (const value of sought) {
    const stored: unknown = types.isDate(value) ? value.toJSON() : value;
    const text = asText(stored);
    const isNoNumber = typeof stored === 'number' && !Number.isFinite(stored);
    if (text === undefined || isNoNumber) throw fail(nameOf(value), VALUE);
    values.add(text);
    ranks.add(rankOf(stored));
  }
  const isMetBy = (stored: unknown) => values.has(asText(stored) as string);
  if (ranks.has(undefined)) return { property, values: [...values], isMetBy };
  const spans = ([...ranks] as Rank[]).sort().map(spanOf);
  return { property, values: [...values], spans, isMetBy };
}

function listOf(values: unknown, fail: Fail): readonly unknown[] {
  if (!Array.isArray(values)) throw fail(`oneOf ${nameOf(values)}`, 'a list of values');
  if (values.length <= MOST_VALUES) return values;
  const accepted = `at most ${MOST_VALUES} values. Look for them in parts`;
  throw fail(`oneOf ${values.length} values`, accepted);
}

function inRange(property: string, bounds: unknown, fail: Fail): Condition {
  if (typeof bounds !== 'object' || bounds === null) throw fail(nameOf(bounds), BOUNDS);
  const unknown = Object.keys(bounds).find((name) => !/^(?:gte?|lte?)$/.test(name));
  if (unknown !== undefined) throw fail(`inRange with ${unknown}`, BOUNDS);
  const ranks = new Map<string, Rank>();
  for (const [name, value] of Object.entries(bounds) as [string, unknown][]) {
    const rank = rankOfGiven(value);
    if (rank === undefined) throw fail(`${name} ${nameOf(value)}`, BOUND);
    ranks.set(name, rank);
  }
  const [gte, gt, lte, lt] = ['gte', 'gt', 'lte', 'lt'].map((name) => ranks.get(name));
  if ((gte && gt) || (lte && lt)) throw fail('inRange with two bounds at one end', BOUNDS);
  if (ranks.size === 0) throw fail('inRange without bounds', BOUNDS);
  const from = gt === undefined ? gte : rankAfter(gt);
  const to = lte === undefined ? lt : rankAfter(lte);
  const isMetBy = (stored: unknown) => {
    const rank = rankOf(stored);
    if (rank === undefined) return false;
    return (from === undefined || rank >= from) && (to === undefined || rank < to);
  };
  const min = from === undefined ? '-' : `[${from}`;
  const max = to === undefined ? '+' : `(${to}`;
  return { property, spans: [{ min, max }], isMetBy };
}

const VALUE = 'a string, a number, a boolean or a date to look for, oneOf or inRange';
const BOUNDS = 'one or two bounds: gte or gt, lte or lt';
const BOUND = 'a finite number or a valid date';

/** Names what a value is, and never the value: criteria may be secrets. */
function nameOf(value: unknown): string {
  if (types.isDate(value)) return 'an invalid date';
  if (typeof value === 'number') return String(value);
  return `of type ${value === null ? 'null' : typeof value}`;
}
