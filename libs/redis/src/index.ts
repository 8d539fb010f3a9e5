/**
 * nestjs-redis-data: Redis for NestJS. This is the contents page of the main entry point. Health,
 * metrics, tracing, MessagePack, the embedded development server and test helpers have entry points of
 * their own, because each needs a package that not every application has. Connections and their driver,
 * telemetry, and everything else that is marked `@internal` are not exported on purpose.
 */

// The module and what it makes injectable
export { RedisModule } from './nest/redis.module.js';
export {
  InjectKeyBuilder,
  InjectRedis,
  InjectRedisBatch,
  InjectRedisCache,
  InjectRedisOptions,
  InjectRedisPool,
  InjectRedisRepository,
} from './nest/inject.decorators.js';
export {
  getKeyBuilderToken,
  getRedisBatchToken,
  getRedisCacheToken,
  getRedisOptionsToken,
  getRedisPoolToken,
  getRedisToken,
} from './nest/redis.tokens.js';
export {
  getRedisRepositoryToken,
  type RedisFeature,
  type RedisRepositoryClass,
} from './nest/repository.tokens.js';
export type {
  RedisModuleAsyncOptions,
  RedisModuleOptions,
  RedisModuleShape,
  RedisOptionsFactory,
  UnnamedCacheOptions,
} from './nest/redis-module.options.js';

// What is logged
export type { LoggedKeys, RedisLoggingOptions } from './nest/logging/log-policy.js';

// Configuration
export { redisConfig } from './nest/redis.config.js';
export { redisOptionsFromEnvironment } from './connection/options/environment.js';
export type { CredentialsFunction, RedisCredentials } from './connection/options/credentials.js';
export type {
  OtherClusterOptions,
  OtherRedisOptions,
  RedisAddress,
  RedisClient,
  RedisTlsOptions,
  ResolvedRedisOptions,
  StartupPolicy,
} from './connection/options/options.js';
export { parseDuration, type Duration } from './time/duration.js';
export type { Ttl } from './time/ttl.js';

// Connections
export {
  ioredisOptionsOf,
  type IoredisOptions,
  type IoredisServerOptions,
} from './connection/driver/ioredis-options.js';
export { RedisPool, type DedicatedConnection } from './connection/redis-pool.js';

// Batches
export { RedisBatch, type BatchWriteOptions, type RedisBatchOptions } from './batch/redis-batch.js';
export type { KeyedValues } from './batch/batch-input.js';

// Keys and values
export type { EntityDependency } from './keys/entity-dependency.js';
export { KeyBuilder, type KeySpace, type ParsedKey } from './keys/key-builder.js';
export type { KeyPart } from './keys/key-encoding.js';
export { JsonSerializer } from './serialization/json.serializer.js';
export type { CacheSerializer } from './serialization/cache-serializer.js';
export { jsonSerializer } from './serialization/json-bodies.js';
export { compressed, type CompressionOptions } from './serialization/compressed.js';

// Repositories
export {
  EntityId,
  Indexed,
  RedisEntity,
  type EntityIdOptions,
  type IndexedOptions,
} from './repository/entity/entity.decorators.js';
export type {
  EntityClass,
  IdOf,
  IdValue,
  RedisEntityOptions,
} from './repository/entity/entity-schema.js';
export { RedisRepository, type RedisRepositoryOptions } from './repository/redis-repository.js';
export {
  inRange,
  oneOf,
  type Criteria,
  type InRange,
  type OneOf,
  type RangeBounds,
  type Sortable,
  type Sought,
} from './repository/criteria.js';
export type {
  Change,
  EntityRepository,
  FindByOptions,
  IterationOptions,
  Page,
  PageByOptions,
  PageOptions,
  Patch,
  ReadOptions,
  SaveOptions,
  SortOrder,
  UpdateOptions,
} from './repository/entity-repository.js';

// The cache
export { RedisCache } from './cache/redis-cache.js';
export type {
  CacheChange,
  CacheDependency,
  CacheInvalidationOptions,
  CachePolicy,
  CacheResult,
  CacheStatus,
  GetOptions,
  GetOrLoadAllOptions,
  GetOrLoadOptions,
  InvalidatePatternOptions,
  LoadAllContext,
  LoadContext,
  Loader,
  LoaderOfAll,
  RedisCacheOptions,
  SetOptions,
} from './cache/cache-options.js';
export type { CacheExplanation } from './cache/explain/explanation.js';
export type { NearState } from './telemetry/near-state.js';
export type { NearOptions } from './cache/near-options.js';
export { cacheKeyOf } from './nest/method-cache/cache-key-of.js';
export { Cached, type CachedOptions } from './nest/method-cache/cached.decorator.js';
export {
  InvalidatesCache,
  type InvalidatesCacheAroundOptions,
  type InvalidatesCacheOptions,
} from './nest/method-cache/invalidates-cache.decorator.js';
export { RedisCacheInterceptor } from './nest/http-cache/redis-cache.interceptor.js';
export {
  CacheHeaders,
  CacheKey,
  CacheScope,
  CacheTags,
  CacheTTL,
  CacheVary,
  type HttpLifetime,
} from './nest/http-cache/http-cache.decorators.js';

// Errors
export {
  RedisExceptionFilter,
  REDIS_EXCEPTION_FILTER_OPTIONS,
  type RedisExceptionFilterOptions,
} from './nest/redis-exception.filter.js';
export type { ProblemDetails } from './nest/problem-details.js';
export {
  RedisException,
  type RedisErrorCode,
  type RedisExceptionOptions,
} from './errors/redis.exception.js';
export {
  RedisAuthenticationException,
  type RedisAuthenticationFacts,
} from './errors/redis-authentication.exception.js';
export { RedisBatchException } from './errors/redis-batch.exception.js';
export { RedisCommandException, type RedisCommandFacts } from './errors/redis-command.exception.js';
export {
  RedisConfigurationException,
  type ConfigurationProblem,
} from './errors/redis-configuration.exception.js';
export { RedisConflictException } from './errors/redis-conflict.exception.js';
export {
  RedisConnectionException,
  type RedisConnectionFacts,
} from './errors/redis-connection.exception.js';
export {
  RedisInvalidationException,
  type RedisInvalidationFacts,
} from './errors/redis-invalidation.exception.js';
export { RedisInvalidKeyException } from './errors/redis-invalid-key.exception.js';
export { RedisKeyNotFoundException } from './errors/redis-key-not-found.exception.js';
export { RedisLoadCycleException } from './errors/redis-load-cycle.exception.js';
export {
  RedisLoadTimeoutException,
  type RedisLoadTimeoutFacts,
} from './errors/redis-load-timeout.exception.js';
export { RedisOutOfMemoryException } from './errors/redis-out-of-memory.exception.js';
export { RedisPermissionException } from './errors/redis-permission.exception.js';
export { RedisPoolExhaustedException } from './errors/redis-pool-exhausted.exception.js';
export { RedisSerializationException } from './errors/redis-serialization.exception.js';
export { RedisTimeoutException, type RedisTimeoutFacts } from './errors/redis-timeout.exception.js';
export { RedisUnavailableException } from './errors/redis-unavailable.exception.js';
export {
  RedisUnconfirmedException,
  type RedisUnconfirmedFacts,
} from './errors/redis-unconfirmed.exception.js';
export {
  RedisValidationException,
  type ValidationProblem,
} from './errors/redis-validation.exception.js';
