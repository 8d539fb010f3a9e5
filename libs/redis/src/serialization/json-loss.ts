import { types } from 'node:util';
import { nameOf, privateState, shapeOf, type Refusal } from './json-shape.js';
import { Loss } from './loss.js';

/** Finds what would be lost of a value inside another one. `name` is its step. */
export type FindLoss = (
  value: unknown,
  ancestors: object[],
  name: string | number,
) => JsonLoss | undefined;

/** More levels are refused: V8's JSON.stringify ends with a RangeError at about 5,000. */
const MOST_LEVELS = 1_000;

/** Longer lists are not searched for properties beside their items: it takes longer than writing them. */
const LONGEST_SEARCHED = 100;

const TO_JSON: Refusal = { problem: 'has a toJSON', remedy: 'store what it gives' };

/**
 * A place in a value that JSON does not bring back equal, and what to store in its place.
 *
 * @internal
 */
export class JsonLoss extends Loss {
  readonly remedy: string;
  /** The value at this place. */
  readonly value: unknown;

  constructor(value: unknown, { problem, remedy }: Refusal) {
    super(problem);
    this.value = value;
    this.remedy = remedy;
  }
}

/**
 * Finds the first place of a value that would come back from JSON as something else, or not at all. Equal is
 * what has the same properties with equal values: members that are `undefined` may be missing, an
 * instance may be a plain object, and -0 is 0.
 *
 * @param ancestors the objects around the value
 * @internal
 */
export function jsonLossOf(value: unknown, ancestors: object[] = []): JsonLoss | undefined {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return undefined;
    case 'number':
      return Number.isFinite(value) ? undefined : new JsonLoss(value, NOT_FINITE);
    case 'object':
      return value === null ? undefined : lossOfObject(value, ancestors);
    default:
      return new JsonLoss(value, NO_DATA[typeof value as keyof typeof NO_DATA]);
  }
}

const NOT_FINITE: Refusal = { problem: 'is no finite number', remedy: 'store null, or a text' };

const NO_DATA = {
  undefined: { problem: 'is undefined', remedy: 'store null' },
  function: { problem: 'is a function', remedy: 'store what it gives' },
  symbol: { problem: 'is a symbol', remedy: 'store its description' },
  bigint: { problem: 'is a BigInt', remedy: 'store its text, String(value)' },
} satisfies Record<string, Refusal>;

function lossOfObject(value: object, ancestors: object[]): JsonLoss | undefined {
  if (hasToJson(value)) return new JsonLoss(value, nameOf(value, TO_JSON));
  return lossOfClass(value) ?? lossInside(value, ancestors, jsonLossOf);
}

/**
 * Tells what is lost of an object because its class is.
 *
 * @internal
 */
export function lossOfClass(value: object): JsonLoss | undefined {
  const shape = shapeOf(Object.getPrototypeOf(value) as object | null);
  if (shape === 'plain') return undefined;
  if (typeof shape === 'object') return new JsonLoss(value, nameOf(value, shape));
  const isBare = !Array.isArray(value) && Object.keys(value).length === 0;
  return isBare ? new JsonLoss(value, nameOf(value, privateState(value))) : undefined;
}

/** @internal */
export function hasToJson(value: object): value is { toJSON(name: string | number): unknown } {
  return typeof (value as { readonly toJSON?: unknown }).toJSON === 'function';
}

/**
 * Finds what would be lost of the items of a list, or of the members of any other object, whatever that is.
 *
 * @param find asked for each of them
 * @internal
 */
export function lossInside(
  value: object,
  ancestors: object[],
  find: FindLoss,
): JsonLoss | undefined {
  if (ancestors.includes(value)) return new JsonLoss(value, CIRCLE);
  if (ancestors.length >= MOST_LEVELS) return new JsonLoss(value, TOO_DEEP);
  const loss = lossOfSymbols(value);
  if (loss) return loss;
  ancestors.push(value);
  const inside = Array.isArray(value)
    ? lossInList(value, ancestors, find)
    : lossInMembers(value, ancestors, find);
  ancestors.pop();
  return inside;
}

const CIRCLE: Refusal = {
  problem: 'is an object that is around it, too: a circle',
  remedy: 'store an id in its place',
};

const TOO_DEEP: Refusal = {
  problem: `is nested more than ${MOST_LEVELS} levels deep`,
  remedy: 'store a flat list',
};

function lossInList(
  list: readonly unknown[],
  ancestors: object[],
  find: FindLoss,
): JsonLoss | undefined {
  for (let i = 0; i < list.length; i++) {
    const item = list[i];
    const loss =
      item === undefined ? new JsonLoss(item, NO_DATA.undefined) : find(item, ancestors, i);
    if (loss) return loss.within(i);
  }
  if (list.length > LONGEST_SEARCHED) return undefined;
  const name = Object.keys(list)[list.length];
  if (name === undefined) return undefined;
  return new JsonLoss(undefined, BESIDE_ITEMS).within(name);
}

const BESIDE_ITEMS: Refusal = {
  problem: 'is a property of a list, beside its items',
  remedy: 'store an object with both',
};

function lossInMembers(value: object, ancestors: object[], find: FindLoss): JsonLoss | undefined {
  for (const name of Object.keys(value)) {
    // The descriptor, because reading the property would run an accessor.
    const member = Object.getOwnPropertyDescriptor(value, name);
    if (member?.get) return new JsonLoss(undefined, ACCESSOR).within(name);
    const inner: unknown = member?.value;
    const loss = inner === undefined ? undefined : find(inner, ancestors, name);
    if (loss) return loss.within(name);
  }
  return undefined;
}

const ACCESSOR: Refusal = { problem: 'is an accessor', remedy: 'store its value' };

function lossOfSymbols(value: object): JsonLoss | undefined {
  const symbols = Object.getOwnPropertySymbols(value);
  if (symbols.length === 0) return undefined;
  const seen = symbols.find((symbol) => Object.getOwnPropertyDescriptor(value, symbol)?.enumerable);
  if (seen) return new JsonLoss(undefined, SYMBOL_NAME).within(seen);
  const isTagged = symbols.includes(Symbol.toStringTag) || types.isArgumentsObject(value);
  return isTagged ? new JsonLoss(value, SPECIAL) : undefined;
}

const SYMBOL_NAME: Refusal = {
  problem: 'has a symbol as its name',
  remedy: 'give it a text as its name',
};

const SPECIAL: Refusal = {
  problem: 'is no plain object',
  remedy: 'store a plain object or a list of what it holds',
};
