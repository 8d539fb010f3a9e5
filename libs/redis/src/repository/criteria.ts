/**
 * Criteria are values of properties, or conditions for them. `oneOf` and `inRange` make objects that no JSON
 * can forge: a request's body that ends up in criteria cannot turn a value into a condition.
 */

/**
 * Describes entities by some properties, at least one of which is `@Indexed`: each has a value, {@link oneOf}
 * several values, or a number or a date {@link inRange}. A property of a nested object is named by its
 * path: `'address.city'`.
 */
export type Criteria<T> = {
  readonly [P in keyof T as T[P] extends Searchable ? P : never]?: Sought<NonNullable<T[P]>>;
} & { readonly [P in NestedPath<T>]?: Sought<NonNullable<ValueAt<T, P>>> };

type Searchable = string | number | boolean | Date | null | undefined;

/** A value, or a condition for values of its type. */
export type Sought<V> = V | OneOf<V> | ([V] extends [number | Date] ? InRange<V> : never);

/** The properties by which entities can be sorted: numbers and dates, also of nested objects. */
export type Sortable<T> =
  | {
      [P in keyof T & string]-?: NonNullable<T[P]> extends number | Date ? P : never;
    }[keyof T & string]
  | {
      [P in NestedPath<T>]: NonNullable<ValueAt<T, P>> extends number | Date ? P : never;
    }[NestedPath<T>];

/** The paths to values inside of nested objects, up to four names long. */
type NestedPath<T> = {
  [P in keyof T & string]-?: IsNested<NonNullable<T[P]>> extends true
    ? `${P}.${PathIn<NonNullable<T[P]>>}`
    : never;
}[keyof T & string];

type PathIn<V, Deeper extends readonly unknown[] = [1, 1]> = {
  [P in keyof V & string]-?: V[P] extends Searchable
    ? P
    : Deeper extends readonly [unknown, ...infer Rest]
      ? IsNested<NonNullable<V[P]>> extends true
        ? `${P}.${PathIn<NonNullable<V[P]>, Rest>}`
        : never
      : never;
}[keyof V & string];

/** `any` counts as a single value. */
type IsNested<V> = 0 extends 1 & V
  ? false
  : V extends Searchable | readonly unknown[] | ReadonlyMap<unknown, unknown> | ReadonlySet<unknown>
    ? false
    : V extends (...args: never[]) => unknown
      ? false
      : V extends object
        ? true
        : false;

type ValueAt<T, P> = P extends keyof T
  ? T[P]
  : P extends `${infer First}.${infer Rest}`
    ? First extends keyof T
      ? ValueAt<NonNullable<T[First]>, Rest>
      : never
    : never;

/** Bounds of a range: at least one of them, and at most one at each end. */
export interface RangeBounds<V> {
  /** The least value. */
  readonly gte?: V;
  /** The value below the least. */
  readonly gt?: V;
  /** The greatest value. */
  readonly lte?: V;
  /** The value above the greatest. */
  readonly lt?: V;
}

/** A global symbol: the ESM and the CommonJS build of this library may meet in one process. */
const CONDITION = Symbol.for('nestjs-redis-data:condition');

/** The values that {@link oneOf} accepts. */
export interface OneOf<out V> {
  readonly [CONDITION]: { readonly oneOf: readonly V[] };
}

/** The range that {@link inRange} accepts. */
export interface InRange<out V> {
  readonly [CONDITION]: { readonly inRange: RangeBounds<V> };
}

/**
 * Accepts any of several values in criteria. At most 100; without any, nothing is found.
 *
 * @example
 * const found = await users.findBy({ country: oneOf(['FR', 'DE']) });
 *
 * @publicApi
 */
export function oneOf<V>(values: readonly V[]): OneOf<V> {
  return { [CONDITION]: { oneOf: values } };
}

/**
 * Accepts the numbers or dates of a range in criteria.
 *
 * @example
 * const recent = await users.findBy({ createdAt: inRange({ gte: yesterday, lt: today }) });
 *
 * @publicApi
 */
export function inRange<V extends number | Date>(bounds: RangeBounds<V>): InRange<V> {
  return { [CONDITION]: { inRange: bounds } };
}

/** Returns what {@link oneOf} or {@link inRange} was given; `undefined` for a value. @internal */
export function conditionIn(
  sought: unknown,
): { readonly oneOf?: unknown; readonly inRange?: unknown } | undefined {
  if (typeof sought !== 'object' || sought === null) return undefined;
  return (sought as Partial<OneOf<unknown>>)[CONDITION];
}
