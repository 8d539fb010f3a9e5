import { schemaOf, type EntityClass } from '../repository/entity/entity-schema.js';
import { RedisRepository, type RedisRepositoryOptions } from '../repository/redis-repository.js';
import type { RedisClient } from '../connection/options/options.js';
import type { KeyBuilder } from '../keys/key-builder.js';
import { token } from './redis.tokens.js';

/** A subclass of `RedisRepository` whose static property names the class of its entities. */
export interface RedisRepositoryClass {
  new (
    client: RedisClient,
    keys: KeyBuilder,
    entity: never,
    options: RedisRepositoryOptions,
  ): object;
  readonly entity: EntityClass;
}

/** An entity class, or a repository class of your own, for `RedisModule.forFeature`. */
export type RedisFeature = EntityClass | RedisRepositoryClass;

/**
 * The token of the repository of an entity, or of a repository class of your own, on a connection.
 *
 * @throws RedisConfigurationException if it is neither; if it is `undefined`, its file is part of an import
 * cycle
 * @publicApi
 */
export function getRedisRepositoryToken(feature: RedisFeature, connection?: string): string {
  const { kind, repository } = describeFeature(feature, 'getRedisRepositoryToken');
  return token(
    repository ? `Repository:${kind}:${repository.name}` : `Repository:${kind}`,
    connection,
  );
}

export interface FeatureDescription {
  readonly entity: EntityClass;
  readonly kind: string;
  readonly repository: ({ readonly name: string } & (new (...args: never[]) => object)) | undefined;
}

/**
 * Reads the entity, its kind and the repository class from an item of `forFeature`.
 *
 * @param where the place of the item, for the error message
 */
export function describeFeature(feature: unknown, where: string): FeatureDescription {
  if (!isRepositoryClass(feature)) {
    const { entity, kind } = schemaOf(feature, where);
    return { entity, kind, repository: undefined };
  }
  const { entity, kind } = schemaOf(feature.entity, `static ${feature.name}.entity`);
  return { entity, kind, repository: feature };
}

function isRepositoryClass(feature: unknown): feature is RedisRepositoryClass & { name: string } {
  return typeof feature === 'function' && feature.prototype instanceof RedisRepository;
}
