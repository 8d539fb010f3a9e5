import { Readable } from 'node:stream';
import { isDeepStrictEqual, types } from 'node:util';
import fc from 'fast-check';

class Point {
  constructor(
    readonly x: number,
    readonly y?: number | undefined,
  ) {}
  length(): number {
    return this.x + (this.y ?? 0);
  }
}

class Secret {
  readonly #held = 1;
  held(): number {
    return this.#held;
  }
}

class Computed {
  first = 'Ada';
  get initial(): string {
    return this.first.slice(0, 1);
  }
}

class Inherited extends Array<number> {}

/** One of each kind that JavaScript has, by a name for the test. */
export const MADE: Readonly<Record<string, () => unknown>> = {
  'a Date': () => new Date(0),
  'an invalid Date': () => new Date(Number.NaN),
  'a Map': () => new Map([['a', 1]]),
  'an empty Map': () => new Map(),
  'a Set': () => new Set([1]),
  'a WeakMap': () => new WeakMap(),
  'a RegExp': () => /a/g,
  'an Error': () => new TypeError('a'),
  'an Error with properties': () => Object.assign(new Error('a'), { code: 'A' }),
  'a Buffer': () => Buffer.from('a'),
  'a typed array': () => new Float64Array([1]),
  'an ArrayBuffer': () => new ArrayBuffer(1),
  'a DataView': () => new DataView(new ArrayBuffer(1)),
  'a BigInt': () => 1n,
  'a symbol': () => Symbol('a'),
  'a function': () => () => 1,
  NaN: () => Number.NaN,
  Infinity: () => -Infinity,
  'a boxed number': () => Object(1) as unknown,
  'a boxed text': () => Object('a') as unknown,
  'a Promise': () => Promise.resolve(1),
  'a generator': () => [1].values(),
  'a stream': () => Readable.from(['a']),
  'a URL': () => new URL('http://a'),
  'URL parameters': () => new URLSearchParams('a=1'),
  'private state': () => new Secret(),
  'an accessor of its class': () => new Computed(),
  'an accessor of its own': () => ({
    get a() {
      return 1;
    },
  }),
  'a symbol as a name': () => ({ [Symbol('a')]: 1 }),
  'a toJSON': () => ({ a: 1, toJSON: () => ({ a: 1 }) }),
  'a list with a hole': () => Object.assign([1], { 2: 3 }),
  'a list with undefined': () => [1, undefined],
  'a list with a property': () => Object.assign([1], { a: 1 }),
  'the match of a RegExp': () => /a/.exec('a'),
  arguments: () => argumentsOf(1),
};

function argumentsOf(...given: unknown[]): unknown {
  // eslint-disable-next-line prefer-rest-params -- that is the kind of value that is meant
  return given.length > 0 ? arguments : undefined;
}

/** Values that JSON brings back equal. */
const kept = fc.oneof(
  fc.jsonValue({ maxDepth: 1 }),
  fc.constantFrom<unknown[]>(-0, '', '\ud800', 1e300, Number.MAX_SAFE_INTEGER),
  fc.nat().map((x) => new Point(x)),
  fc.constant({ a: undefined, b: 1 }),
  fc.constant(JSON.parse('{"__proto__":{"a":1}}') as unknown),
  fc.constant(Inherited.of(1, 2)),
  fc.constant(Object.assign(Object.create(null) as object, { a: 1 })),
);

const made = fc.constantFrom(...Object.values(MADE)).map((make) => make());

const name = fc.oneof(fc.constantFrom('a', 'b c', '"', '0', 'ä', 'a.b', '[0]'), fc.string());

/** A value of any kind, most of them inside of others. */
export const anyValue: fc.Arbitrary<unknown> = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    { weight: 6, arbitrary: kept },
    { weight: 1, arbitrary: made },
    { weight: 3, arbitrary: fc.array(tie('value'), { maxLength: 3 }) },
    { weight: 3, arbitrary: fc.dictionary(name, tie('value'), { maxKeys: 3 }) },
  ),
})).value;

/**
 * Returns the expected form of a value that comes back, without properties that the comparison ignores.
 *
 * @param isOfClass knows further classes whose instances are data
 */
export function withoutClasses(
  value: unknown,
  isOfClass: (value: unknown) => boolean = () => false,
): unknown {
  if (Object.is(value, -0)) return 0;
  const inner = (member: unknown) => withoutClasses(member, isOfClass);
  if (Array.isArray(value)) return Array.from(value, inner);
  if (!isOfClass(value) && !isData(value)) return value;
  const members = Object.entries(value as object).filter(([, member]) => member !== undefined);
  return Object.fromEntries(members.map(([key, member]) => [key, inner(member)]));
}

function isData(value: unknown): value is object {
  if (typeof value !== 'object' || value === null || types.isArgumentsObject(value)) return false;
  if (typeof (value as { toJSON?: unknown }).toJSON === 'function') return false;
  const prototype = Object.getPrototypeOf(value) as object | null;
  return prototype === null || prototype === Object.prototype || value instanceof Point;
}

/** Whether what is at the path of a refusal does not come back equal, and nothing around it is to blame. */
export function isLostAt(value: unknown, path: string): boolean {
  const steps = stepsOf(path);
  const last = steps.at(-1);
  const owner = steps.slice(0, -1).reduce<unknown>(memberOf, value);
  const member = last === undefined ? value : memberOf(owner, last);
  const isHidden =
    last !== undefined &&
    ((Array.isArray(owner) && typeof last === 'string') ||
      Object.getOwnPropertyDescriptor(owner, last)?.get !== undefined ||
      typeof last === 'symbol');
  return isHidden || (!comesBack(member) && !holdsWhatIsLost(member));
}

function comesBack(value: unknown): boolean {
  try {
    return isDeepStrictEqual(JSON.parse(JSON.stringify(value)), withoutClasses(value));
  } catch {
    return false;
  }
}

/** Then its members would have been the place. */
function holdsWhatIsLost(value: unknown): boolean {
  if (Array.isArray(value)) return Array.from(value).some((item) => !comesBack(item));
  return isData(value) && Object.values(value).some((member) => !comesBack(member));
}

function memberOf(owner: unknown, step: string | number | symbol): unknown {
  return (owner as Record<string | number | symbol, unknown>)[step];
}

/** `$.a[0]["b c"][Symbol(d)]` as the names and places that it consists of. */
function stepsOf(path: string): (string | number | symbol)[] {
  const step = /\.([\p{L}_$][\p{L}\d_$]*)|\[(\d+)\]|\[("(?:[^"\\]|\\.)*")\]|\[(Symbol\(.*?\))\]/uy;
  const steps: (string | number | symbol)[] = [];
  step.lastIndex = 1;
  while (step.lastIndex < path.length) {
    const [, plain, place, quoted, symbol] = step.exec(path) ?? [];
    if (plain !== undefined) steps.push(plain);
    else if (place !== undefined) steps.push(Number(place));
    else if (quoted !== undefined) steps.push(JSON.parse(quoted) as string);
    else if (symbol !== undefined) steps.push(Symbol(symbol));
    else throw new Error(`no path: ${path}`);
  }
  return steps;
}
