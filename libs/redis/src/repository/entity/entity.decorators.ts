import { flagOf } from '../../errors/flag-of.js';
import { RedisConfigurationException } from '../../errors/redis-configuration.exception.js';
import { refuseUnknownOptions } from '../../errors/unknown-options.js';
import { emittedType } from './class-metadata.js';
import { declarationOf, type RedisEntityOptions } from './entity-schema.js';

/**
 * Declares a class whose instances a `RedisRepository` keeps.
 *
 * @example
 * @RedisEntity({ kind: 'user', ttl: '1d' })
 * class User {
 *   @EntityId() id!: string;
 *   @IsEmail() @Indexed({ unique: true }) email!: string;
 *   @IsDate() createdAt!: Date;
 * }
 *
 * @publicApi
 */
export function RedisEntity(options: RedisEntityOptions): ClassDecorator {
  return (entity) => {
    declarationOf(entity).options = options;
  };
}

export interface EntityIdOptions {
  /**
   * The type of the ids. Needed for numbers when the compiler emits no decorator metadata (esbuild).
   * @default the property's type as emitted by `emitDecoratorMetadata`, else `String`
   */
  readonly type?: StringConstructor | NumberConstructor;
}

/** Marks the property that is the id: a string that is not empty, or a finite number. @publicApi */
export function EntityId(options: EntityIdOptions = {}): PropertyDecorator {
  return (prototype, property) => {
    refuseUnknownOptions(options, { type: true }, `@EntityId of ${String(property)}: `);
    const type = options.type ?? emittedType(prototype, property);
    const name = nameOf(prototype, property, '@EntityId()');
    declarationOf(prototype.constructor).id = { property: name, isNumber: type === Number };
  };
}

export interface IndexedOptions {
  /**
   * Whether at most one entity may have a value. What is guaranteed, and when, is in the guide.
   * @default false
   */
  readonly unique?: boolean;
  /**
   * Whether entities can be found by a range of values, and sorted by them. For numbers and dates. All
   * entities with a value are then in one sorted set.
   * @default false
   * @example @Indexed({ range: true }) createdAt!: Date;
   */
  readonly range?: boolean;
  /**
   * Indexes a value inside of the property, which is a nested object: names separated by dots. Criteria then
   * name the property and this path. Several decorators of one property index several paths.
   * @default the property itself
   * @example @Indexed({ path: 'city' }) address!: Address; // findBy({ 'address.city': 'Paris' })
   */
  readonly path?: string;
}

const INDEXED_OPTIONS = {
  unique: true,
  range: true,
  path: true,
} as const satisfies Record<keyof IndexedOptions, true>;

/**
 * Makes entities findable by this property with `findBy`, `pageBy` and their like. Its values are strings,
 * numbers, booleans or dates; entities without a value are not in the index. An accessor, a method and a
 * property of another type are refused when the repository is made.
 *
 * @publicApi
 */
export function Indexed(options: IndexedOptions = {}): PropertyDecorator {
  return (prototype, property) => {
    const where = `@Indexed of ${String(property)}: `;
    refuseUnknownOptions(options, INDEXED_OPTIONS, where);
    const unique = flagOf(`${where}unique`, options.unique, false);
    const range = flagOf(`${where}range`, options.range, false);
    const name = nameOf(prototype, property, '@Indexed()');
    const { indexes } = declarationOf(prototype.constructor);
    const path = options.path === undefined ? [] : pathOf(`${where}path`, options.path);
    indexes.set([name, ...path].join('.'), { unique, range, path: [name, ...path] });
  };
}

/** @throws RedisConfigurationException for a text that is no path */
function pathOf(setting: string, path: unknown): string[] {
  const names = typeof path === 'string' ? path.split('.') : [''];
  if (!names.includes('')) return names;
  const accepted = "names separated by dots, such as 'city' or 'geo.city'";
  throw new RedisConfigurationException([{ setting, value: String(path), accepted }]);
}

/** @throws RedisConfigurationException for what is never stored: static properties, and symbols as names */
function nameOf(prototype: object, property: string | symbol, decorator: string): string {
  if (typeof property === 'string' && typeof prototype !== 'function') return property;
  const accepted = 'a property of the instances whose name is a text: no other is stored';
  throw new RedisConfigurationException([
    { setting: decorator, value: String(property), accepted },
  ]);
}
