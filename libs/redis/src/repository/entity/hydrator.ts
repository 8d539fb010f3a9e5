import { types } from 'node:util';
import { classTransformer } from '../../peers/optional-peers.js';
import { accessorPairsOf, emittedType, inheritedDescriptor } from './class-metadata.js';
import { readDecoratorsOf } from './class-transformer-insides.js';
import { parseIsoDate } from './iso-date.js';

/** An object as JSON.parse returns it. */
export type Plain = Record<string, unknown>;

/** Converts the value of one property. */
type Convert = (value: unknown, plain: Plain) => unknown;

/** How many property names of one class are remembered: stored data may have any number of them. */
const MOST_REMEMBERED = 256;

/**
 * Makes instances of a class from what JSON.parse returns, as class-transformer's `plainToInstance`
 * does with `ignoreDecorators`: @Type and @Transform are followed, and @Expose and @Exclude, which
 * say what other people may see, are not. A property without them whose type is `Date`, as the compiler
 * emits it, is a date. What a property needs is found out once, which is many times faster
 * (docs/adr/0013).
 *
 * @internal
 */
export class Hydrator {
  readonly entity: new () => object;
  readonly #steps = new Map<string, Step>();
  /** The steps of the last object, in order: those of the next one are most likely the same. */
  readonly #lastSteps: Step[] = [];
  #defaults: ReadonlyMap<string, unknown> | undefined;
  #pairs: readonly string[] | undefined;

  private constructor(entity: unknown) {
    this.entity = entity as new () => object;
  }

  static of(entity: unknown): Hydrator {
    let hydrator = hydrators.get(entity as object);
    if (!hydrator) hydrators.set(entity as object, (hydrator = new Hydrator(entity)));
    return hydrator;
  }

  /** @throws UnfitError if a date is none, or something nested is no object */
  hydrate(plain: Plain): object {
    const instance = new this.entity();
    this.#fill(instance, plain, this.#lastSteps);
    return instance;
  }

  /** Gives an instance some of its properties, converted in the same way. */
  assign(instance: object, plain: Plain): void {
    this.#fill(instance, plain, []);
  }

  #fill(instance: object, plain: Plain, expected: Step[]): void {
    let i = 0;
    for (const property in plain) {
      let step = expected[i];
      if (step?.property !== property) {
        step = this.stepOf(property);
        if (i < MOST_REMEMBERED) expected[i] = step;
      }
      i++;
      const value = plain[property];
      if (step.convert === undefined) (instance as Plain)[property] = value;
      else if (step.convert !== SKIP) (instance as Plain)[property] = step.convert(value, plain);
    }
  }

  /**
   * The properties that the constructor gives every instance.
   *
   * @throws what the constructor throws without arguments: no instance could be read
   */
  get defaults(): ReadonlyMap<string, unknown> {
    return (this.#defaults ??= new Map(
      Object.entries(new this.entity()).filter(([, value]) => value !== undefined),
    ));
  }

  /** Properties that a getter and a setter of the class keep somewhere else. */
  get accessorPairs(): readonly string[] {
    return (this.#pairs ??= accessorPairsOf(this.entity.prototype as object));
  }

  /** The step for a property when it is read. */
  stepOf(property: string): Step {
    let step = this.#steps.get(property);
    if (!step) {
      step = { property, ...conversionFor(this.entity, property) };
      if (this.#steps.size < MOST_REMEMBERED) this.#steps.set(property, step);
    }
    return step;
  }
}

/**
 * Thrown when stored data does not fit the entity. Says where, and never what was found there; the codec,
 * which knows the key, makes an exception of it.
 */
export class UnfitError extends Error {
  readonly path: string;
  readonly problem: string;

  constructor(path: string, problem: string) {
    super(`${path} ${problem}`);
    this.path = path;
    this.problem = problem;
  }

  /** The same, seen from the object around it. */
  within(property: string): UnfitError {
    return new UnfitError(`${property}.${this.path}`, this.problem);
  }
}

/** Reads one property: as it is, if there is nothing to convert. */
export interface Step {
  readonly property: string;
  readonly convert: Convert | undefined;
  readonly way: Way;
}

/**
 * How a value comes back: as JSON has it (`json`), as what its class-transformer decorators make of that
 * (`own`), as what a getter gives (`computed`), or not at all (`skipped`); as an instance (`nested`), or as
 * one of the values that `keeps` knows (`leaf`), and so each item of a list.
 */
export type Way =
  | { readonly kind: 'json' | 'own' | 'computed' | 'skipped' }
  | { readonly kind: 'nested'; readonly hydrator: Hydrator }
  | { readonly kind: 'leaf'; readonly name: string; readonly keeps: (value: unknown) => boolean };

type Conversion = Pick<Step, 'convert' | 'way'>;

const AS_JSON: Conversion = { convert: undefined, way: { kind: 'json' } };

const hydrators = new WeakMap<object, Hydrator>();

/** Marks properties that are left alone. */
const SKIP: Convert = () => undefined;

function conversionFor(entity: new () => object, property: string): Conversion {
  const prototype = entity.prototype as object;
  const skipped = skippedKind(prototype, property);
  if (skipped) return { convert: SKIP, way: { kind: skipped } };
  const decorators = readDecoratorsOf(entity, property);
  if (!decorators) return own(byClassTransformer(entity, property));
  const { type, transforms } = decorators;
  // Discriminators, types that depend on the value, sets and maps: rare, and not ours to imitate.
  const isSpecial =
    type &&
    (type.options?.discriminator !== undefined ||
      type.typeFunction.length > 0 ||
      type.reflectedType === Set ||
      type.reflectedType === Map);
  if (isSpecial) return own(byClassTransformer(entity, property));
  const typed = type && byType(type.typeFunction(), property);
  if (transforms.length === 0) {
    if (typed) return typed;
    return emittedType(prototype, property) === Date ? byType(Date, property) : AS_JSON;
  }
  const reading = classTransformer().TransformationType.PLAIN_TO_CLASS;
  return own((given, plain) => {
    let value = typed?.convert ? typed.convert(given, plain) : given;
    for (const { transformFn } of transforms) {
      value = transformFn({ value, key: property, obj: plain, type: reading, options: {} });
    }
    return value;
  });
}

const own = (convert: Convert): Conversion => ({ convert, way: { kind: 'own' } });

/** `__proto__`, methods and getters: what is stored must not change what an object is. */
function skippedKind(prototype: object, property: string): 'computed' | 'skipped' | undefined {
  const found = inheritedDescriptor(prototype, property);
  if (property === '__proto__' || typeof found?.value === 'function') return 'skipped';
  return found?.get && !found.set ? 'computed' : undefined;
}

function byType(type: unknown, property: string): Conversion {
  if (type === Object) return AS_JSON;
  const leaf = LEAVES.get(type);
  const convert = leaf ? leaf.convert : toInstanceOf(type, property);
  const convertAll = (value: unknown): unknown => {
    if (value === null || value === undefined) return value;
    return Array.isArray(value) ? value.map(convertAll) : convert(value, property);
  };
  const way: Way = leaf
    ? { kind: 'leaf', name: leaf.name, keeps: leaf.keeps }
    : { kind: 'nested', hydrator: Hydrator.of(type) };
  return { convert: convertAll, way };
}

type ConvertOne = (value: unknown, property: string) => unknown;

function toNumber(value: unknown, property: string): number {
  const number = Number(value);
  if (Number.isNaN(number)) throw new UnfitError(property, 'is not a number');
  return number;
}

const toDate: ConvertOne = (value, property) => {
  const time = typeof value === 'string' ? parseIsoDate(value) : undefined;
  if (time !== undefined) return new Date(time);
  const date = new Date(value as string);
  if (typeof value === 'boolean' || Number.isNaN(date.getTime()))
    throw new UnfitError(property, 'is not a date');
  return date;
};

/** Types of single values: how each is made of JSON, and which values come back as they were. */
const LEAVES = new Map<
  unknown,
  { readonly name: string; readonly convert: ConvertOne; readonly keeps: (v: unknown) => boolean }
>([
  [String, { name: 'string', convert: String, keeps: (value) => typeof value === 'string' }],
  [Number, { name: 'finite number', convert: toNumber, keeps: Number.isFinite }],
  [Boolean, { name: 'boolean', convert: Boolean, keeps: (value) => typeof value === 'boolean' }],
  [Date, { name: 'valid Date', convert: toDate, keeps: isValidDate }],
]);

function isValidDate(value: unknown): boolean {
  return types.isDate(value) && !Number.isNaN(value.getTime());
}

function toInstanceOf(type: unknown, property: string): ConvertOne {
  const hydrator = Hydrator.of(type);
  return (value) => {
    if (typeof value !== 'object' || value === null) {
      throw new UnfitError(property, 'is not an object');
    }
    if (value instanceof (type as new () => object)) return value; // given to save, not read
    try {
      return hydrator.hydrate(value as Plain);
    } catch (error) {
      throw error instanceof UnfitError ? error.within(property) : error;
    }
  };
}

/** class-transformer itself, for one property. */
function byClassTransformer(entity: new () => object, property: string): Convert {
  const { plainToInstance } = classTransformer();
  return (value) => {
    const made = plainToInstance(entity, { [property]: value }, { ignoreDecorators: true });
    return (made as Plain)[property];
  };
}
