import { flagOf } from '../../errors/flag-of.js';
import {
  RedisConfigurationException,
  type ConfigurationProblem,
} from '../../errors/redis-configuration.exception.js';
import { refuseUnknownOptions } from '../../errors/unknown-options.js';
import type { KeyBuilder } from '../../keys/key-builder.js';
import { parseTtl, type Ttl, type TtlMs } from '../../time/ttl.js';
import { emittedType, inheritedDescriptor } from './class-metadata.js';

export interface RedisEntityOptions {
  /**
   * The first part of every key, and the entity's name in errors.
   * @example 'user' // user:myapp:production:123
   */
  readonly kind: string;
  /**
   * How long an entity lives after it was last saved.
   * @default the connection's `defaultTtl`, which is `'1h'` unless configured
   */
  readonly ttl?: Ttl;
  /**
   * Whether what is read has to pass the class-validator rules too. It costs about as much as the
   * validation on save.
   * @default false
   */
  readonly validateOnRead?: boolean;
}

/** The types of ids. */
export type IdValue = string | number;

/** The type of an entity's ids: that of its property `id`, if it has one. @publicApi */
export type IdOf<T> = T extends { id: infer I extends IdValue } ? I : IdValue;

/** A class whose instances are entities. Reading makes them with `new Entity()`, without arguments. */
export type EntityClass<T extends object = object> = abstract new (...args: never[]) => T;

/** Everything an entity class says about itself, complete and checked. */
export interface EntitySchema {
  readonly entity: EntityClass;
  readonly kind: string;
  /** `undefined`: the connection's default. */
  readonly ttlMs: TtlMs | undefined;
  readonly validateOnRead: boolean;
  readonly id: { readonly property: string; readonly isNumber: boolean };
  readonly indexes: ReadonlyMap<string, IndexDeclaration>;
}

/** The kinds of indexes of an `@Indexed` property; a plain one if it has none of them. */
export interface IndexDeclaration {
  readonly unique: boolean;
  readonly range: boolean;
  /** The property, and the names inside of it if the value is that of a nested object. */
  readonly path: readonly string[];
}

/** The decorators of one class, without those of its ancestors. */
export interface EntityDeclaration {
  options?: RedisEntityOptions;
  id?: { readonly property: string; readonly isNumber: boolean };
  readonly indexes: Map<string, IndexDeclaration>;
}

/** A global symbol: the ESM and the CommonJS build of this library may meet in one process. */
const DECLARATION = Symbol.for('nestjs-redis-data:entity');

type Declared = object & { [DECLARATION]?: EntityDeclaration };

/** The declaration of exactly this class, begun when there is none. */
export function declarationOf(entity: Declared): EntityDeclaration {
  const declared = ownDeclarationOf(entity);
  if (declared) return declared;
  const declaration: EntityDeclaration = { indexes: new Map() };
  Object.defineProperty(entity, DECLARATION, { value: declaration });
  return declaration;
}

/** From the class itself down to its most distant ancestor. */
function declarationsOf(entity: object): EntityDeclaration[] {
  const declarations: EntityDeclaration[] = [];
  for (let at: unknown = entity; typeof at === 'function'; at = Object.getPrototypeOf(at)) {
    const declaration = ownDeclarationOf(at);
    if (declaration) declarations.push(declaration);
  }
  return declarations;
}

function ownDeclarationOf(entity: Declared): EntityDeclaration | undefined {
  return Object.hasOwn(entity, DECLARATION) ? entity[DECLARATION] : undefined;
}

const OPTIONS = {
  kind: true,
  ttl: true,
  validateOnRead: true,
} as const satisfies Record<keyof RedisEntityOptions, true>;

/** Kinds that mean something else in a key. */
const RESERVED = new Set([
  'cache',
  'counter',
  'index',
  'lock',
  'range',
  'tag',
  'unique',
  'version',
]);

/**
 * @param where what asked for the entity, for the error message
 * @throws RedisConfigurationException listing everything that is missing from the class
 * @internal
 */
export function schemaOf(entity: unknown, where: string): EntitySchema {
  if (typeof entity !== 'function') throw notAClass(entity, where);
  const declarations = declarationsOf(entity);
  const options = declarations.find((declaration) => declaration.options)?.options;
  const id = declarations.find((declaration) => declaration.id)?.id;
  if (!options || !id) throw incomplete(entity.name, options, id);
  refuseUnknownOptions(options, OPTIONS, `@RedisEntity of ${entity.name}: `);
  const indexes = new Map(
    declarations.reverse().flatMap((declaration) => [...declaration.indexes]),
  );
  refuseUnstored(entity as unknown as EntityClass, id.property, indexes);
  return {
    entity: entity as unknown as EntityClass,
    kind: kindOf(options, entity.name),
    ttlMs: options.ttl === undefined ? undefined : parseTtl(options.ttl, `${entity.name}.ttl`),
    validateOnRead: flagOf(`${entity.name}.validateOnRead`, options.validateOnRead, false),
    id,
    indexes,
  };
}

/**
 * Refuses ids and indexed properties that JSON leaves out: they cannot be found, and an entity without its
 * id cannot be read. A class with a toJSON may write them nevertheless.
 *
 * @throws RedisConfigurationException listing all such properties
 */
function refuseUnstored(entity: EntityClass, id: string, indexes: EntitySchema['indexes']): void {
  const prototype = entity.prototype as object;
  const writesItself = 'toJSON' in prototype;
  const problems: ConfigurationProblem[] = [];
  const look = (
    decorator: string,
    property: string,
    isFit: (type: unknown) => boolean,
    fit = INDEXABLE_TYPES,
  ) => {
    const found = inheritedDescriptor(prototype, property);
    const type = emittedType(prototype, property);
    const isMethod = typeof found?.value === 'function';
    if (!isMethod && (writesItself || (!found && isFit(type)))) return;
    const typeName = (type as { readonly name: string } | undefined)?.name ?? '';
    const value = isMethod ? 'a method' : found ? 'an accessor' : `of type ${typeName}`;
    const accepted = found ? STORED : `a property that is ${fit}`;
    problems.push({ setting: `${decorator} of ${entity.name}: ${property}`, value, accepted });
  };
  const lookInside = (property: string, path: readonly string[], range: boolean) => {
    look('@Indexed with path', property, () => true);
    const misfit = misfitAt(entity, path, range) as { readonly name: string } | undefined;
    if (!misfit || writesItself) return;
    const setting = `@Indexed with path of ${entity.name}: ${path.join('.')}`;
    const accepted = `a path to ${range ? RANKABLE_TYPES : INDEXABLE_TYPES}`;
    problems.push({ setting, value: `of type ${misfit.name}`, accepted });
  };
  look('@EntityId', id, () => true);
  for (const { range, path } of indexes.values()) {
    const [property = '', ...inside] = path;
    if (inside.length > 0) lookInside(property, path, range);
    else if (range) look('@Indexed with range', property, isRankable, RANKABLE_TYPES);
    else look('@Indexed', property, isIndexable);
  }
  if (problems.length > 0) throw new RedisConfigurationException(problems);
}

const STORED = 'a property that is stored: JSON leaves out what the class computes';

/** `Object` stands for unions and for what is not known. A class with a toJSON may become a text. */
function isIndexable(type: unknown): boolean {
  if (typeof type !== 'function' || INDEXABLE.has(type)) return true;
  return typeof (type.prototype as { toJSON?: unknown } | undefined)?.toJSON === 'function';
}

const INDEXABLE = new Set<unknown>([String, Number, Boolean, Date, Object]);
const INDEXABLE_TYPES = 'a string, a number, a boolean or a date';
const RANKABLE_TYPES = 'a number or a date';

/** A range has numbers and dates. */
function isRankable(type: unknown): boolean {
  return type !== String && type !== Boolean && isIndexable(type);
}

/** Finds the type at a path, or on the way to it, that cannot be there; `undefined` where types are not known. */
function misfitAt(entity: EntityClass, path: readonly string[], range: boolean): unknown {
  let type: unknown = entity;
  for (const name of path) {
    if (typeof type !== 'function' || type === Object) return undefined;
    if (LEAVES.has(type)) return type;
    type = emittedType(type.prototype as object, name);
  }
  return (range ? isRankable(type) : isIndexable(type)) ? undefined : type;
}

const LEAVES = new Set<unknown>([String, Number, Boolean, Date, Array, Map, Set, BigInt, Symbol]);

function kindOf({ kind }: RedisEntityOptions, name: string): string {
  const given: unknown = kind;
  if (typeof given === 'string' && given !== '' && !RESERVED.has(given)) return given;
  throw new RedisConfigurationException([
    {
      setting: `@RedisEntity of ${name}: kind`,
      value: JSON.stringify(given),
      accepted: `a text that is not empty, and none of ${[...RESERVED].join(', ')}`,
    },
  ]);
}

/** A class is `undefined` while the files that import each other are still being loaded. */
function notAClass(entity: unknown, where: string): RedisConfigurationException {
  const value = entity === null ? 'null' : typeof entity;
  const accepted =
    'an entity class. If it is imported, the two files import each other: move the class, or what ' +
    'it needs, to a file of its own';
  return new RedisConfigurationException([{ setting: where, value, accepted }]);
}

function incomplete(name: string, options: unknown, id: unknown): RedisConfigurationException {
  const problems: ConfigurationProblem[] = [];
  if (!options) {
    const accepted = "put @RedisEntity({ kind: '...' }) on the class";
    problems.push({ setting: `@RedisEntity of ${name}`, accepted });
  }
  if (!id) {
    const accepted = 'put @EntityId() on the property that is the id';
    problems.push({ setting: `@EntityId of ${name}`, accepted });
  }
  return new RedisConfigurationException(problems);
}

/**
 * Makes sure that two classes do not share keys: each would find the other's data under its own ids.
 *
 * @throws RedisConfigurationException if another class has this kind on the same connection
 * @internal
 */
export function refuseSharedKind(keys: KeyBuilder, { kind, entity }: EntitySchema): void {
  const owner = keys.ownerOfKind(kind, entity) as EntityClass;
  if (owner === entity) return;
  const setting = `@RedisEntity of ${entity.name}: kind`;
  const accepted = `a kind of its own: ${owner.name} has this one, and their keys would be the same`;
  throw new RedisConfigurationException([{ setting, value: kind, accepted }]);
}
