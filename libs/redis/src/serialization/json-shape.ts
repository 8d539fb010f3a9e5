import { types } from 'node:util';

/** Why a value is not written, and what to write in its place. */
export interface Refusal {
  /** Follows the path: "is a Map". */
  readonly problem: string;
  /** A clause of its own: "store [...map]". */
  readonly remedy: string;
}

/**
 * Says what an object can hide from JSON: `plain` nothing, `instance` nothing but private state, if it has a
 * property that can be seen; a refusal names what JSON leaves out.
 */
export type Shape = 'plain' | 'instance' | Refusal;

/**
 * The shape of all objects of one prototype. It is found out once for each prototype, so that accessors
 * which a program adds to a class later are not seen.
 *
 * @internal
 */
export function shapeOf(prototype: object | null): Shape {
  if (prototype === null || prototype === Object.prototype) return 'plain';
  let shape = shapes.get(prototype);
  if (shape === undefined) shapes.set(prototype, (shape = findShape(prototype)));
  return shape;
}

const shapes = new WeakMap<object, Shape>();

function findShape(prototype: object): Shape {
  let at: object | null = prototype;
  while (at && !isRoot(at)) {
    const refusal = lostFrom(at, prototype);
    if (refusal) return refusal;
    at = Object.getPrototypeOf(at) as object | null;
  }
  return at === prototype ? 'plain' : 'instance';
}

/** `Object.prototype` and `Array.prototype` of any realm. `instanceof` knows those of one realm only. */
function isRoot(prototype: object): boolean {
  if (Array.isArray(prototype)) return true;
  return Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype, 'isPrototypeOf');
}

/** Finds what objects inherit from this prototype and a plain object does not have. */
function lostFrom(at: object, prototype: object): Refusal | undefined {
  if (types.isBoxedPrimitive(at)) return boxed;
  for (const property of Reflect.ownKeys(at)) {
    if (property === 'constructor') continue;
    const what = leftOut(property, Object.getOwnPropertyDescriptor(at, property));
    if (what === undefined) continue;
    return {
      problem: `is an instance of ${classOf(prototype)}, whose ${what} ${String(property)} JSON leaves out`,
      remedy: 'store a plain object of what is needed',
    };
  }
  return undefined;
}

/** Names a member of a prototype, unless it is a method. */
function leftOut(property: string | symbol, found?: PropertyDescriptor): string | undefined {
  if (found?.get || found?.set) return 'accessor';
  if (property === Symbol.iterator || property === Symbol.asyncIterator) return 'iterator';
  const isSeen = found?.value !== undefined && typeof found.value !== 'function';
  return isSeen ? 'inherited property' : undefined;
}

const boxed: Refusal = { problem: 'is a primitive in an object', remedy: 'store valueOf()' };

/** The name of the class of a prototype, as far as it has one. */
function classOf(prototype: object): string {
  const { constructor } = prototype as { readonly constructor?: unknown };
  const name: unknown = typeof constructor === 'function' ? constructor.name : undefined;
  return typeof name === 'string' && name !== '' ? name : 'a class without a name';
}

/**
 * Refuses an instance that shows nothing, because all that it holds is private.
 *
 * @internal
 */
export function privateState(value: object): Refusal {
  return {
    problem: `is an instance of ${classOf(value)} without a property that JSON can see`,
    remedy: 'store a plain object of what it holds',
  };
}

/**
 * Says what an object that is refused is, as precisely as is known.
 *
 * @param otherwise if it is nothing that has a sentence of its own
 * @internal
 */
export function nameOf(value: object, otherwise: Refusal): Refusal {
  const known = BUILT_INS.find(({ is }) => is(value));
  if (known) return known;
  return Symbol.iterator in value || Symbol.asyncIterator in value ? COLLECTION : otherwise;
}

/**
 * Names a built-in object that keeps its value where no property shows it.
 *
 * @internal
 */
export function builtInOf(value: object): Refusal | undefined {
  const shape = shapeOf(Object.getPrototypeOf(value) as object | null);
  if (typeof shape !== 'object' && !types.isDate(value)) return undefined;
  return BUILT_INS.find(({ is }) => is(value));
}

interface BuiltIn extends Refusal {
  readonly is: (value: object) => boolean;
}

const BUILT_INS: readonly BuiltIn[] = [
  {
    is: types.isDate,
    problem: 'is a Date, which comes back as text',
    remedy: 'store toISOString(), or in a cache give a serializer that keeps dates',
  },
  {
    is: (value) => ArrayBuffer.isView(value) || types.isAnyArrayBuffer(value),
    problem: 'is binary data',
    remedy: "store a text, such as Buffer's toString('base64')",
  },
  { is: types.isMap, problem: 'is a Map', remedy: 'store [...map], or Object.fromEntries(map)' },
  { is: types.isSet, problem: 'is a Set', remedy: 'store [...set]' },
  { is: types.isRegExp, problem: 'is a RegExp', remedy: 'store its source and flags' },
  { is: types.isNativeError, problem: 'is an Error', remedy: 'store its message' },
  { is: types.isPromise, problem: 'is a Promise', remedy: 'await it first' },
  { is: types.isBoxedPrimitive, ...boxed },
];

const COLLECTION: Refusal = {
  problem: 'is an iterator, a stream or another collection',
  remedy: 'store a list of what it gives',
};
