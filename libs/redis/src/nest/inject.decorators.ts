import { Inject } from '@nestjs/common';
import {
  getKeyBuilderToken,
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
