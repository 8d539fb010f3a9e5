/**
 * @module repository Typed entities in Redis: in `entity/` what a class says about itself and how it
 * becomes text and back, in `indexes/` how entities are found by other values than their id, in
 * `writing/` how both are written together.
 */
import { flagOf } from '../../errors/flag-of.js';
import { refuseUnknownOptions } from '../../errors/unknown-options.js';
import { declarationOf, type RedisEntityOptions } from './entity-declaration.js';

/**
 * Declares a class whose instances a `RedisRepository` keeps.
 *
 * @example
 * @RedisEntity({ kind: 'user', ttl: '1d' })
 * class User {
 *   @EntityId() id!: string;
 *   @IsEmail() @Indexed({ unique: true }) email!: string;
 *   @Type(() => Date) createdAt!: Date;
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
   * What the ids are. Needed for numbers when the compiler emits no decorator metadata (esbuild).
   * @default the property's type as emitted by `emitDecoratorMetadata`, else `String`
   */
  readonly type?: StringConstructor | NumberConstructor;
}

/** Marks the property that is the id: a string that is not empty, or a finite number. @publicApi */
export function EntityId(options: EntityIdOptions = {}): PropertyDecorator {
  return (prototype, property) => {
    refuseUnknownOptions(options, { type: true }, `@EntityId of ${String(property)}: `);
    const type = options.type ?? emittedType(prototype, property);
    const isNumber = type === Number;
    declarationOf(prototype.constructor).id = { property: nameOf(property), isNumber };
  };
}

export interface IndexedOptions {
  /**
   * Whether at most one entity may have a value. What is guaranteed, and when, is in the guide.
   * @default false
   */
  readonly unique?: boolean;
}

/**
 * Makes entities findable by this property with `findBy` and `findOneBy`. Its values are strings,
 * numbers, booleans or dates; entities without a value are not in the index.
 *
 * @publicApi
 */
export function Indexed(options: IndexedOptions = {}): PropertyDecorator {
  return (prototype, property) => {
    refuseUnknownOptions(options, { unique: true }, `@Indexed of ${String(property)}: `);
    const unique = flagOf(`@Indexed of ${String(property)}: unique`, options.unique, false);
    declarationOf(prototype.constructor).indexes.set(nameOf(property), { unique });
  };
}

function nameOf(property: string | symbol): string {
  return String(property);
}

/** What `emitDecoratorMetadata` leaves behind, if it is on and reflect-metadata is loaded. */
function emittedType(prototype: object, property: string | symbol): unknown {
  const { getMetadata } = Reflect as { getMetadata?: MetadataReader };
  return getMetadata?.('design:type', prototype, property);
}

type MetadataReader = (key: string, target: object, property: string | symbol) => unknown;
