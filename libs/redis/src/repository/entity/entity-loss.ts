import { isDeepStrictEqual } from 'node:util';
import {
  hasToJson,
  JsonLoss,
  jsonLossOf,
  lossInside,
  lossOfClass,
  type FindLoss,
} from '../../serialization/json-loss.js';
import { builtInOf, type Refusal } from '../../serialization/json-shape.js';
import type { Hydrator, Plain, Step } from './hydrator.js';

/**
 * Finds the first place of an entity that would be different when it is read again: a value that JSON does
 * not bring back, unless the class does, by @Type, @Transform, a property of type `Date` or a toJSON.
 *
 * @param said what the entity's toJSON gives; the entity itself if it has none
 * @param hydrator of the class as which it is read
 * @throws what a toJSON, a constructor or an accessor of the class throws
 * @internal
 */
export function entityLossOf(
  entity: object,
  said: object,
  hydrator: Hydrator,
): JsonLoss | undefined {
  return lossOfTyped(entity, said, [], hydrator);
}

/**
 * Finds the first of some properties that is searched for by another value than it comes back as, because
 * its @Transform changes what JSON would have kept.
 *
 * @param paths the id, and what is indexed
 * @throws what a @Transform throws
 * @internal
 */
export function rewrittenLossOf(
  entity: object,
  paths: Iterable<readonly string[]>,
  hydrator: Hydrator,
): JsonLoss | undefined {
  for (const path of paths) {
    const loss = rewrittenLossAt(entity, path, hydrator);
    if (loss) return loss;
  }
  return undefined;
}

function rewrittenLossAt(
  entity: object,
  [property = '', ...inside]: readonly string[],
  hydrator: Hydrator,
): JsonLoss | undefined {
  const step = hydrator.stepOf(property);
  const value = (entity as Plain)[property];
  if (value === undefined || value === null) return undefined;
  if (step.way.kind === 'own' && !comesBack(step, value, value)) {
    return new JsonLoss(value, REWRITTEN).within(property);
  }
  if (inside.length === 0 || step.way.kind !== 'nested' || !isObject(value)) return undefined;
  return rewrittenLossAt(value, inside, step.way.hydrator)?.within(property);
}

const REWRITTEN: Refusal = {
  problem: 'is an id or in an index, and its @Transform makes another value of it',
  remedy: 'save the value that it makes',
};

function lossOfTyped(
  value: object,
  said: object,
  ancestors: object[],
  hydrator: Hydrator,
): JsonLoss | undefined {
  const builtIn = builtInOf(value);
  if (builtIn) return new JsonLoss(value, builtIn);
  if (said !== value) return lossOfSaid(value as Plain, said, ancestors, hydrator);
  if (!(value instanceof hydrator.entity)) {
    const inside: FindLoss = (member, around, property) =>
      lossOfProperty(member, around, hydrator.stepOf(String(property)));
    return lossOfClass(value) ?? lossInside(value, ancestors, inside);
  }
  return (
    lossOfDefaults(value as Plain, hydrator) ??
    lossInside(value, ancestors, (member, around, property) =>
      lossOfOwn(member, around, hydrator.stepOf(String(property)), hydrator),
    ) ??
    lossOfAccessors(value as Plain, hydrator)
  );
}

/** Finds properties without a value that the constructor gives one: it comes back in their place. */
function lossOfDefaults(instance: Plain, { defaults }: Hydrator): JsonLoss | undefined {
  for (const [property, value] of defaults) {
    if (instance[property] !== undefined || typeof value === 'function') continue;
    return new JsonLoss(undefined, DEFAULTED).within(property);
  }
  return undefined;
}

const DEFAULTED: Refusal = {
  problem: 'is undefined, and comes back as what the constructor gives it',
  remedy: 'store null',
};

/** Judges a property of an instance. JSON leaves functions out, and the class gives them again. */
function lossOfOwn(
  value: unknown,
  ancestors: object[],
  step: Step,
  { defaults, entity }: Hydrator,
): JsonLoss | undefined {
  const { property, way } = step;
  if (typeof value === 'function') {
    const again = defaults.get(property) ?? (entity.prototype as Plain)[property];
    if (typeof again === 'function') return undefined;
  }
  if (way.kind === 'computed') return new JsonLoss(value, SHADOWING);
  return lossOfProperty(value, ancestors, step);
}

const SHADOWING: Refusal = {
  problem: 'has the name of a member of its class, so it is not read',
  remedy: 'give it another name',
};

function lossOfProperty(value: unknown, ancestors: object[], step: Step): JsonLoss | undefined {
  const { way } = step;
  switch (way.kind) {
    case 'skipped':
      return new JsonLoss(value, SHADOWING);
    case 'computed':
      return undefined; // in an object that merely looks like an instance: the class gives it again
    case 'json':
      return jsonLossOf(value, ancestors);
    case 'own': {
      const loss = jsonLossOf(value, ancestors);
      return loss && !comesBack(step, value, value) ? loss : undefined;
    }
    case 'leaf':
      return lossOfItems(value, ancestors, step.property, (leaf) =>
        way.keeps(leaf) ? undefined : misfit(way.name),
      );
    case 'nested':
      return lossOfItems(value, ancestors, step.property, (item, around, name) => {
        const said = isObject(item) && hasToJson(item) ? item.toJSON(name) : item;
        if (isObject(item) && isObject(said) && !Array.isArray(said)) {
          return lossOfTyped(item, said, around, way.hydrator);
        }
        return misfit('single object');
      });
  }
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

/** Judges a single value or each item of a list; `null` comes back as it is. */
function lossOfItems(
  value: unknown,
  ancestors: object[],
  name: string | number,
  find: FindLoss,
): JsonLoss | undefined {
  if (value === null) return undefined;
  if (!Array.isArray(value)) return find(value, ancestors, name);
  return lossInside(value, ancestors, (item, around, i) => lossOfItems(item, around, i, find));
}

function misfit(expected: string): JsonLoss {
  const problem = `is not a ${expected}, and its class reads it as one`;
  return new JsonLoss(undefined, { problem, remedy: `give it a ${expected}` });
}

/**
 * Judges an instance whose toJSON says what is stored. A property that it leaves out is not stored on
 * purpose; one that it writes in another way has to come back equal, unless JSON would have kept it.
 */
function lossOfSaid(
  value: Plain,
  said: object,
  ancestors: object[],
  hydrator: Hydrator,
): JsonLoss | undefined {
  return lossInside(said, ancestors, (member, around, name) => {
    const step = hydrator.stepOf(String(name));
    const given = value[step.property];
    const loss = isData(given) ? lossOfProperty(given, around, step) : undefined;
    if (loss) return comesBack(step, given, member) ? undefined : loss;
    return jsonLossOf(member, around) && lossOfProperty(member, around, step);
  });
}

function isData(value: unknown): boolean {
  return value !== undefined && typeof value !== 'function';
}

/** Getters and setters may keep their values where JSON does not see them: in private fields, say. */
function lossOfAccessors(instance: Plain, hydrator: Hydrator): JsonLoss | undefined {
  if (hydrator.accessorPairs.length === 0) return undefined;
  const again = hydrator.hydrate(JSON.parse(JSON.stringify(instance)) as Plain) as Plain;
  const lost = hydrator.accessorPairs.find((name) => !isSame(instance[name], again[name]));
  return lost === undefined ? undefined : new JsonLoss(undefined, UNSEEN).within(lost);
}

const UNSEEN: Refusal = {
  problem: 'is an accessor of the class, and keeps its value where JSON does not see it',
  remedy: 'make it a property, or write it with a toJSON of the class',
};

/** Whether a value is made again of what is written in its place. */
function comesBack({ convert, property }: Step, value: unknown, written: unknown): boolean {
  try {
    const plain = JSON.parse(JSON.stringify({ [property]: written })) as Plain;
    const stored = plain[property];
    return stored !== undefined && isSame(convert ? convert(stored, plain) : stored, value);
  } catch {
    return false;
  }
}

/** Compares values. Members that are `undefined` may be missing. */
function isSame(a: unknown, b: unknown): boolean {
  if (a === b || isDeepStrictEqual(a, b)) return true;
  if (!isObject(a) || !isObject(b)) return false;
  if (Object.getPrototypeOf(a) !== Object.getPrototypeOf(b)) return false;
  const names = Object.keys({ ...a, ...b });
  return names.length > 0 && names.every((name) => isSame((a as Plain)[name], (b as Plain)[name]));
}
