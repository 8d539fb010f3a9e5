/**
 * Every option that is a length of time is refused at 0, below, and above its largest value: a timer of
 * Node that is asked for more than 31 bits of milliseconds fires at once. The options are those that the
 * sources declare, so that a new one needs a row here.
 */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import {
  CacheTTL,
  EntityId,
  KeyBuilder,
  RedisBatch,
  RedisCache,
  RedisEntity,
  RedisExceptionFilter,
  redisOptionsFromEnvironment,
  RedisRepository,
  type RedisCacheOptions,
} from 'nestjs-redis-data';
import { checkEnvironment } from '../../apps/users/src/config/environment.js';
import { resolveHealthOptions } from '../../libs/redis/src/health/health-options.js';
import { resolveLogging } from '../../libs/redis/src/nest/logging/log-policy.js';
import { variablesReadIn } from './environment-variables.js';
import { membersIn } from './option-members.js';
import { ofConnection, ofNear, optionOfCache, silentClient } from './option-uses.js';
import { problemsOf, type Use } from './problems-of.js';

/** Durations that become a timer of Node, or are awaited like one. */
const TIMER = {
  accepted: ['1ms', '24d', '2147483647ms'],
  refused: ['0ms', '0d', '-1ms', '2147483648ms', '25d', '30', 'Infinityms', 'NaNms', 30, 0, -1],
  largest: "at most '2147483647ms'",
};
/** Durations that must be longer than a busy process may be silent. */
const SIGN_OF_LIFE = {
  ...TIMER,
  accepted: ['1s', '24d', '2147483647ms'],
  refused: [...TIMER.refused, '999ms'],
};
/** Durations in which a connection must be able to give several signs of life. */
const STALENESS = {
  ...TIMER,
  accepted: ['50ms', '24d', '2147483647ms'],
  refused: [...TIMER.refused, '49ms'],
};
/** Durations that become an expiry in Redis, or the age of a value. */
const LIFETIME = {
  accepted: ['1ms', '25d', '36500d'],
  refused: ['0ms', '0d', '-1ms', '3153600000001ms', '36501d', '30', 'Infinityd', 'NaNd', 30, 0, -1],
  largest: "at most '36500d'",
};
/** Values that the variables of Redis take. */
const MILLISECONDS = {
  accepted: ['1', '1ms', '24d', '2147483647', '2147483647ms'],
  refused: ['0', '0ms', '-1', '-1ms', '2147483648', '25d', '1.5', 'Infinity', 'NaN'],
  largest: 'at most 2147483647',
};
const SECONDS = {
  accepted: ['1', '1ms', '36500d', '3153600000'],
  refused: ['0', '0ms', '-1', '-1ms', '3153600001', '36501d', '1.5', 'Infinity', 'NaN'],
  largest: "at most '36500d'",
};
/** Values that the variables of the sample take. */
const SHORT = {
  accepted: ['1', '1ms', '99999999', '9999s', '9999m'],
  refused: ['0', '0ms', '-1', '-1ms', '100000000', '10000s', '10000m', '1d', '1.5', 'Infinity'],
  largest: 'at most 99999999',
};

@RedisEntity({ kind: 'timed' })
class Timed {
  @EntityId() id!: string;
}

const client = silentClient();
const keys = new KeyBuilder({ app: 'durations', environment: 'test' });
const repository = new RedisRepository(client, keys, Timed);
const cache = new RedisCache(client, keys);
const entity = { id: '1' };

interface Row {
  readonly bounds: typeof TIMER;
  /** Each way in which the option can be given. */
  readonly uses: readonly Use[];
}
const row = (bounds: Row['bounds'], ...uses: readonly Use[]): Row => ({ bounds, uses });

const ofCache = optionOfCache(client, keys);
const ofCall = (name: keyof RedisCacheOptions): Use => {
  return (value) => cache.getOrLoad('key', () => 1, { [name]: value });
};
const ofCacheAndCall = (name: keyof RedisCacheOptions) => [ofCache(name), ofCall(name)] as const;
const ofVariable = (name: string): Use => {
  return (value) => redisOptionsFromEnvironment({ [name]: value });
};
const ofSample = (name: string): Use => {
  return (value) => {
    checkEnvironment({ [name]: value });
  };
};
const ofEntity: Use = (ttl) => {
  @RedisEntity({ kind: 'short-lived', ttl })
  class ShortLived {
    @EntityId() id!: string;
  }
  return new RedisRepository(client, new KeyBuilder({ app: 'a', environment: 'b' }), ShortLived);
};
const ofLoader: Use = (ttl) =>
  cache.getOrLoad('key', ({ setTtl }) => {
    setTtl(ttl);
  });

const rows: Readonly<Record<string, Row>> = {
  'RedisModuleOptions.connectTimeout': row(TIMER, ofConnection('connectTimeout')),
  'RedisModuleOptions.commandTimeout': row(TIMER, ofConnection('commandTimeout')),
  'RedisModuleOptions.silenceTimeout': row(TIMER, ofConnection('silenceTimeout')),
  'RedisModuleOptions.acquireTimeout': row(TIMER, ofConnection('acquireTimeout')),
  'RedisModuleOptions.startupTimeout': row(TIMER, ofConnection('startupTimeout')),
  'RedisModuleOptions.shutdownTimeout': row(TIMER, ofConnection('shutdownTimeout')),
  'RedisModuleOptions.defaultTtl': row(LIFETIME, ofConnection('defaultTtl')),
  'CachePolicy.timeout': row(TIMER, ...ofCacheAndCall('timeout')),
  'CachePolicy.loadTimeout': row(TIMER, ...ofCacheAndCall('loadTimeout')),
  'CachePolicy.ttl': row(LIFETIME, ...ofCacheAndCall('ttl'), (ttl) => CacheTTL(ttl)),
  'CachePolicy.staleFor': row(LIFETIME, ...ofCacheAndCall('staleFor')),
  'CachePolicy.negativeTtl': row(LIFETIME, ...ofCacheAndCall('negativeTtl')),
  'CachePolicy.failSafe': row(LIFETIME, ...ofCacheAndCall('failSafe')),
  'GetOrLoadAllOptions.ttl': row(
    LIFETIME,
    (ttl) => cache.getOrLoadAll(['key'], () => new Map(), { ttl }),
    (ttl) => cache.getOrLoadAll(['key'], () => new Map(), { ttl: () => ttl }),
  ),
  'RedisCacheOptions.breakerCooldown': row(TIMER, ofCache('breakerCooldown')),
  'CacheInvalidationOptions.timeout': row(
    TIMER,
    (timeout) => new RedisCache(client, keys, { invalidation: { replicas: 1, timeout } }),
  ),
  'RedisCacheOptions.changeTtl': row(SIGN_OF_LIFE, ofCache('changeTtl')),
  'NearOptions.staleness': row(STALENESS, ofNear(client, keys)('staleness')),
  'LoadContext.setTtl(ttl)': row(LIFETIME, ofLoader),
  'HttpLifetime.ttl': row(LIFETIME, (ttl) => CacheTTL({ ttl })),
  'HttpLifetime.staleFor': row(LIFETIME, (staleFor) => CacheTTL({ staleFor })),
  'HttpLifetime.failSafe': row(LIFETIME, (failSafe) => CacheTTL({ failSafe })),
  'ReadOptions.timeout': row(
    TIMER,
    (timeout) => repository.getById('1', { timeout }),
    (timeout) => repository.getByIdOrFail('1', { timeout }),
  ),
  'UpdateOptions.timeout': row(TIMER, (timeout) => repository.update('1', {}, { timeout })),
  'UpdateOptions.ttl': row(LIFETIME, (ttl) => repository.update('1', {}, { ttl })),
  'SaveOptions.ttl': row(
    LIFETIME,
    (ttl) => repository.save(entity, { ttl }),
    (ttl) => repository.saveAll([entity], { ttl }),
  ),
  'EntityRepository.expire(ttl)': row(LIFETIME, (ttl) => repository.expire('1', ttl)),
  'RedisRepositoryOptions.defaultTtl': row(
    LIFETIME,
    (defaultTtl) => new RedisRepository(client, keys, Timed, { defaultTtl }),
  ),
  'RedisEntityOptions.ttl': row(LIFETIME, ofEntity),
  'RedisBatchOptions.defaultTtl': row(
    LIFETIME,
    (defaultTtl) => new RedisBatch(client, { defaultTtl }),
  ),
  'BatchWriteOptions.ttl': row(
    LIFETIME,
    (ttl) => new RedisBatch(client).setAll({ key: 1 }, { ttl }),
    (ttl) => new RedisBatch(client).incrementAll(['key'], { ttl }),
  ),
  'RedisHealthLimits.timeout': row(TIMER, (timeout) => resolveHealthOptions({ timeout })),
  'RedisLoggingOptions.slow': row(TIMER, (slow) => resolveLogging({ slow })),
  'RedisExceptionFilterOptions.retryAfter': row(
    TIMER,
    (retryAfter) => new RedisExceptionFilter({} as never, { retryAfter }),
  ),
  REDIS_CONNECT_TIMEOUT: row(MILLISECONDS, ofVariable('REDIS_CONNECT_TIMEOUT')),
  REDIS_COMMAND_TIMEOUT: row(MILLISECONDS, ofVariable('REDIS_COMMAND_TIMEOUT')),
  REDIS_DEFAULT_TTL: row(SECONDS, ofVariable('REDIS_DEFAULT_TTL')),
  HTTP_REQUEST_TIMEOUT: row(SHORT, ofSample('HTTP_REQUEST_TIMEOUT')),
  HTTP_MAX_QUEUE_TIME: row(SHORT, ofSample('HTTP_MAX_QUEUE_TIME')),
  DATABASE_CONNECT_TIMEOUT: row(SHORT, ofSample('DATABASE_CONNECT_TIMEOUT')),
  DATABASE_STATEMENT_TIMEOUT: row(SHORT, ofSample('DATABASE_STATEMENT_TIMEOUT')),
};

const publicNames = readFileSync('test/rules/public-names.json', 'utf8');
const declared = membersIn('libs/redis/src')
  .filter(({ name }) => publicNames.includes(`"${name.split('.')[0]}"`))
  .filter(({ type }) => /\b(Duration|Ttl)\b/.test(type))
  .map(({ name }) => name);
const variables = variablesReadIn(['libs/redis/src', 'apps/users/src']).filter((name) =>
  /(TIMEOUT|TIME|TTL)$/.test(name),
);

describe('The options that are lengths of time', () => {
  it('each have a row here', () => {
    expect(Object.keys(rows).sort()).toEqual([...declared, ...variables].sort());
  });

  it.each(Object.entries(rows))(
    '%s is refused by its name, with the largest value',
    async (option, { bounds, uses }) => {
      const name = /(\w+)\)?$/.exec(option)?.[1] ?? '';
      for (const use of uses) {
        for (const value of bounds.refused) {
          expect(await problemsOf(use, value)).toEqual([
            {
              setting: expect.stringMatching(new RegExp(`\\b${name}$`)),
              value: String(value),
              accepted: expect.stringContaining(bounds.largest),
            },
          ]);
        }
      }
    },
  );

  it.each(Object.entries(rows))('%s is accepted up to its largest value', async (_, row) => {
    for (const use of row.uses) {
      for (const value of row.bounds.accepted) expect(await problemsOf(use, value)).toEqual([]);
    }
  });
});
