import { types } from 'node:util';
import { Loss } from '../serialization/loss.js';

/** Objects that are nested deeper would overflow the stack here, in msgpackr or in another process. */
const DEEPEST = 500;

/**
 * Finds the first part of a value that MessagePack would lose or change. Looks at values with the tests of
 * `msgpackr` itself, so that what it would take for a plain object is one here, too.
 *
 * @returns `undefined` if everything comes back
 */
export function findLoss(value: unknown, depth = 0): Loss | undefined {
  switch (typeof value) {
    case 'string':
      return value.isWellFormed() ? undefined : loss('a text with half of a surrogate pair');
    case 'object':
      return value === null ? undefined : lossIn(value, depth);
    case 'function':
    case 'symbol':
      return loss(`a ${typeof value}`);
    default:
      return undefined;
  }
}

function lossIn(value: object, depth: number): Loss | undefined {
  if (depth > DEEPEST) return loss(`nested in more than ${DEEPEST} others, or in itself`);
  if (Array.isArray(value)) return lossInArray(value, depth);
  const prototype = Object.getPrototypeOf(value) as object | null;
  if (prototype === null || isLast(prototype)) return lossInMembers(value, depth);
  if (isKeptWhole(value, prototype)) return undefined;
  switch (prototype) {
    case Map.prototype:
      return ofItself(value) ?? lossInMap(value as Map<unknown, unknown>, depth);
    case Set.prototype:
      return ofItself(value) ?? lossInItems([...(value as Set<unknown>)], 'values', depth);
    case Date.prototype:
      return ofItself(value);
    case RegExp.prototype:
      if ((value as RegExp).lastIndex > 0) return loss('a regular expression with a lastIndex');
      return ofItself(value);
    default:
      return ERRORS.has(prototype)
        ? lossInError(value as Error, prototype, depth)
        : lossInInstance(value, prototype, depth);
  }
}

/** Whether it is `Object.prototype`, of whatever realm. */
function isLast(prototype: object): boolean {
  return Object.getPrototypeOf(prototype) === null;
}

/** Arrays of bytes and of numbers, as far as it knows them. */
const KEPT_WHOLE: ReadonlySet<object> = new Set<object>([
  Buffer.prototype,
  ArrayBuffer.prototype,
  DataView.prototype,
  Int8Array.prototype,
  Uint8Array.prototype,
  Uint8ClampedArray.prototype,
  Int16Array.prototype,
  Uint16Array.prototype,
  Int32Array.prototype,
  Uint32Array.prototype,
  Float32Array.prototype,
  Float64Array.prototype,
  BigInt64Array.prototype,
  BigUint64Array.prototype,
]);

/** As `msgpackr` finds it: in a sandbox whose globals are of several realms, only some of them are. */
const TypedArray = (
  Object.getPrototypeOf(Uint8Array.prototype) as { constructor: new () => object }
).constructor;

function isKeptWhole(value: object, prototype: object): boolean {
  if (!KEPT_WHOLE.has(prototype)) return false;
  return value instanceof TypedArray || !ArrayBuffer.isView(value) || value instanceof DataView;
}

const ERRORS: ReadonlySet<object> = new Set<object>([
  Error.prototype,
  EvalError.prototype,
  RangeError.prototype,
  ReferenceError.prototype,
  SyntaxError.prototype,
  TypeError.prototype,
  URIError.prototype,
]);

function lossInArray(array: readonly unknown[], depth: number): Loss | undefined {
  for (let i = 0; i < array.length; i++) {
    const item = array[i];
    const found = item === undefined && !(i in array) ? loss('a hole') : findLoss(item, depth + 1);
    if (found) return found.within(i);
  }
  // One that has more names than items has a hole or another name.
  const isPlain = Object.keys(array).length === array.length;
  return isPlain ? lossOfSymbols(array) : loss('an array with names of its own');
}

function lossInMembers(object: object, depth: number): Loss | undefined {
  const members = object as Readonly<Record<string, unknown>>;
  for (const name of Object.keys(object)) {
    const isKept = name !== '__proto__' && name.isWellFormed();
    const found = isKept ? findLoss(members[name], depth + 1) : loss('of a name that is not kept');
    if (found) return found.within(name);
  }
  return lossOfSymbols(object);
}

function lossInMap(map: ReadonlyMap<unknown, unknown>, depth: number): Loss | undefined {
  return (
    lossInItems([...map.keys()], 'keys', depth) ?? lossInItems([...map.values()], 'values', depth)
  );
}

/** Of a collection, which has no path to what is in it but its order. */
function lossInItems(items: readonly unknown[], of: string, depth: number): Loss | undefined {
  for (const [i, item] of items.entries()) {
    const found = findLoss(item, depth + 1);
    if (found) return found.within(i).within(of);
  }
  return undefined;
}

function lossInError(error: Error, prototype: object, depth: number): Loss | undefined {
  if (error.name !== (prototype as Error).name) return loss('an error with a name of its own');
  const inText = findLoss(error.message);
  if (inText) return inText.within('message');
  const inCause = findLoss(error.cause, depth + 1);
  return inCause?.within('cause') ?? ofItself(error);
}

/** Comes back as a plain object: so its own members have to say all that there is to see of it. */
function lossInInstance(value: object, prototype: object, depth: number): Loss | undefined {
  const name = nameOf(prototype);
  if (isMoreThanMembers(value)) return loss(name);
  if (typeof (value as { toJSON?: unknown }).toJSON === 'function') {
    return loss(`${name} with a toJSON: store what that returns`);
  }
  if (Object.keys(value).length === 0) return loss(`${name} without members of its own`);
  if (hasAccessors(prototype)) return loss(`${name} with accessors`);
  return lossInMembers(value, depth);
}

/** Whether members do not show what is in an object, or msgpackr writes it as what it extends. */
function isMoreThanMembers(value: object): boolean {
  return (
    ArrayBuffer.isView(value) ||
    types.isAnyArrayBuffer(value) ||
    types.isBoxedPrimitive(value) ||
    types.isDate(value) ||
    types.isMap(value) ||
    types.isNativeError(value) ||
    types.isPromise(value) ||
    types.isRegExp(value) ||
    types.isSet(value) ||
    types.isWeakMap(value) ||
    types.isWeakSet(value) ||
    value instanceof Error
  );
}

const known = new WeakMap<object, boolean>();

/** Whether a prototype, or one further up, has accessors: their values would be gone. */
function hasAccessors(prototype: object): boolean {
  let has = known.get(prototype);
  if (has === undefined) {
    const own = Object.values(Object.getOwnPropertyDescriptors(prototype));
    const isOwn = own.some((member) => 'get' in member);
    const above = Object.getPrototypeOf(prototype) as object | null;
    has = above !== null && (isOwn || hasAccessors(above));
    known.set(prototype, has);
  }
  return has;
}

/** Names that something has which is not a plain object: they are not written. */
function ofItself(value: object): Loss | undefined {
  if (Object.keys(value).length === 0) return lossOfSymbols(value);
  return loss(`${nameOf(Object.getPrototypeOf(value) as object)} with members of its own`);
}

function lossOfSymbols(value: object): Loss | undefined {
  const symbols = Object.getOwnPropertySymbols(value);
  const isSeen = (symbol: symbol) => Object.getOwnPropertyDescriptor(value, symbol)?.enumerable;
  return symbols.some(isSeen) ? loss('an object with a symbol as a name') : undefined;
}

function nameOf({ constructor }: object): string {
  return constructor.name === '' ? 'an instance of a class' : `an instance of ${constructor.name}`;
}

function loss(what: string): Loss {
  return new Loss(`is ${what}`);
}
