import { Inject } from '@nestjs/common';
import { getRedisRepositoryToken, type RedisFeature } from './repository.tokens.js';
import {
  getKeyBuilderToken,
  getRedisBatchToken,
  getRedisCacheToken,
  getRedisOptionsToken,
  getRedisPoolToken,
  getRedisToken,
} from './redis.tokens.js';

type InjectDecorator = PropertyDecorator & ParameterDecorator;

/**
 * Injects the plain ioredis client (`Redis` or `Cluster`) of a connection.
 *
 * @example
 * constructor(@InjectRedis() private readonly redis: Redis) {}
 *
 * @publicApi
 */
export const InjectRedis = (name?: string): InjectDecorator => Inject(getRedisToken(name));

/** Injects the `KeyBuilder` of a connection; that of the default one is also injectable by class. @publicApi */
export const InjectKeyBuilder = (name?: string): InjectDecorator =>
  Inject(getKeyBuilderToken(name));

/** Injects a connection's options, complete with defaults (`ResolvedRedisOptions`). @publicApi */
export const InjectRedisOptions = (name?: string): InjectDecorator =>
  Inject(getRedisOptionsToken(name));

/** Injects the `RedisPool` of a connection; that of the default one is also injectable by class. @publicApi */
export const InjectRedisPool = (name?: string): InjectDecorator => Inject(getRedisPoolToken(name));

/** Injects the `RedisBatch` of a connection; that of the default one is also injectable by class. @publicApi */
export const InjectRedisBatch = (name?: string): InjectDecorator =>
  Inject(getRedisBatchToken(name));

/**
 * Injects a cache; that of the default connection is also injectable by class, as `RedisCache`.
 *
 * @example
 * constructor(@InjectRedisCache('reports') private readonly reports: RedisCache) {}
 *
 * @publicApi
 */
export const InjectRedisCache = (name?: string): InjectDecorator =>
  Inject(getRedisCacheToken(name));

/**
 * Injects the `RedisRepository` of an entity, from `RedisModule.forFeature([Entity], connection)`. A
 * repository class of your own is also injectable by class.
 *
 * @example
 * constructor(@InjectRedisRepository(User) private readonly users: RedisRepository<User>) {}
 *
 * @publicApi
 */
export const InjectRedisRepository = (
  feature: RedisFeature,
  connection?: string,
): InjectDecorator => Inject(getRedisRepositoryToken(feature, connection));
