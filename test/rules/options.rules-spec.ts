/**
 * Options are refused, not ignored: a name that no option has, and a number that cannot be. Which options
 * there are is read from the sources, so that a new one needs a row here.
 */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  Cached,
  CacheTTL,
  compressed,
  EntityId,
  Indexed,
  InvalidatesCache,
  jsonSerializer,
  KeyBuilder,
  RedisBatch,
  RedisCache,
  RedisEntity,
  RedisExceptionFilter,
  RedisModule,
  RedisRepository,
} from 'nestjs-redis-data';
import { resolveRedis } from 'nestjs-redis-data/embedded';
import { RedisMetricsModule } from 'nestjs-redis-data/metrics';
import {
  startCluster,
  startFaultProxy,
  startRedis,
  startSentinel,
  type FaultProxy,
} from 'nestjs-redis-data/testing';
import { resolveOptions } from '../../libs/redis/src/connection/options/resolve-options.js';
import {
  resolveHealthOfAll,
  resolveHealthOptions,
} from '../../libs/redis/src/health/health-options.js';
import { resolveLogging } from '../../libs/redis/src/nest/logging/log-policy.js';
import { membersIn } from './option-members.js';
import { NEAR, ofConnection, ofNear, optionOfCache, silentClient } from './option-uses.js';
import { problemsOf, type Use } from './problems-of.js';

@RedisEntity({ kind: 'counted' })
class Counted {
  @EntityId() id!: string;
  @Indexed({ range: true }) points!: number;
}

const client = silentClient();
const keys = new KeyBuilder({ app: 'options', environment: 'test' });
const repository = new RedisRepository(client, keys, Counted);
let proxy: FaultProxy;
beforeAll(async () => {
  proxy = await startFaultProxy({ host: '127.0.0.1', port: 1 });
});
afterAll(() => proxy.stop());

const ofCache = optionOfCache(client, keys);
const decorate = (decorator: (...args: never[]) => void) => {
  class Decorated {
    method = () => Promise.resolve();
  }
  const descriptor = { value: () => Promise.resolve() };
  decorator(Decorated.prototype as never, 'method' as never, descriptor as never);
};
const ofEntity: Use = (options) => {
  @RedisEntity(options)
  class Other {
    @EntityId() id!: string;
  }
  return new RedisRepository(client, new KeyBuilder({ app: 'a', environment: 'b' }), Other);
};

const MOST = Number.MAX_SAFE_INTEGER;
/** The least and the most that is accepted, the next values outside, and how the option is given. */
const numbers: Readonly<Record<string, readonly [[number, number], [number, number], Use]>> = {
  'RedisModuleOptions.port': [[1, 65_535], [0, 65_536], ofConnection('port')],
  'RedisModuleOptions.db': [[0, 99_999], [-1, 100_000], ofConnection('db')],
  'RedisModuleOptions.maxConnections': [[1, 10_000], [0, 10_001], ofConnection('maxConnections')],
  'RedisModuleOptions.maxRetriesPerRequest': [
    [0, 1_000],
    [-1, 1_001],
    ofConnection('maxRetriesPerRequest'),
  ],
  'RedisAddress.port': [
    [1, 65_535],
    [0, 65_536],
    (port) => resolveOptions({ clusterNodes: [{ host: 'a', port }] }),
  ],
  'CacheInvalidationOptions.replicas': [
    [0, 100],
    [-1, 101],
    (replicas) => new RedisCache(client, keys, { invalidation: { replicas } }),
  ],
  'RedisCacheOptions.maxLoads': [[1, MOST], [0, MOST + 1], ofCache('maxLoads')],
  'RedisCacheOptions.breakerThreshold': [[1, MOST], [0, MOST + 1], ofCache('breakerThreshold')],
  'NearOptions.maxBytes': [[65_536, MOST], [65_535, MOST + 1], ofNear(client, keys)('maxBytes')],
  'NearOptions.maxEntries': [[1, MOST], [0, MOST + 1], ofNear(client, keys)('maxEntries')],
  'CachePolicy.jitter': [[0, 1], [-0.01, 1.01], ofCache('jitter')],
  'CompressionOptions.above': [
    [0, MOST],
    [-1, MOST + 1],
    (above) => compressed(jsonSerializer, { above }),
  ],
  'RedisHealthLimits.memoryThreshold': [
    [0.01, 1],
    [0, 1.01],
    (memoryThreshold) => resolveHealthOptions({ memoryThreshold }),
  ],
  'FindByOptions.limit': [
    [1, 1_000],
    [0, 1_001],
    (limit) => repository.findBy({}, { sortBy: 'points', limit }),
  ],
  'PageOptions.limit': [[1, 1_000], [0, 1_001], (limit) => repository.page({ limit })],
  'FaultProxy.delay(ms)': [
    [0, 2 ** 31 - 1],
    [-1, 2 ** 31],
    (ms) => {
      proxy.delay(ms);
    },
  ],
};
const FRACTIONS = [
  'CachePolicy.jitter',
  'RedisHealthLimits.memoryThreshold',
  'FaultProxy.delay(ms)',
];

const flags: Readonly<Record<string, Use>> = {
  'IndexedOptions.range': (range) => {
    decorate(Indexed({ range }));
  },
  'IndexedOptions.unique': (unique) => {
    decorate(Indexed({ unique }));
  },
  'CachedOptions.near': (near) => {
    decorate(Cached({ near }));
  },
  'GetOrLoadOptions.near': (near) =>
    new RedisCache(client, keys).getOrLoad('key', () => 1, { near }),
  'HttpLifetime.near': (near) => CacheTTL({ near }),
  'RedisCacheOptions.outbox': ofCache('outbox'),
  'RedisEntityOptions.validateOnRead': (validateOnRead) =>
    ofEntity({ kind: 'validated', validateOnRead } as never),
  'RedisHealthOfAllOptions.optional': (optional) => resolveHealthOfAll({ optional }, ['default']),
  'RedisHealthOptions.optional': (optional) => resolveHealthOptions({ optional }),
  'RedisHealthOptions.replica': (replica) => resolveHealthOptions({ replica }),
  'RedisLoggingOptions.successes': (successes) => resolveLogging({ successes }),
  'RedisModuleOptions.sentinelTls': ofConnection('sentinelTls'),
  'RedisModuleOptions.tls': ofConnection('tls'),
  'RedisModuleShape.isGlobal': (isGlobal) => RedisModule.forRoot({ isGlobal }),
  'StartClusterOptions.replicas': (replicas) => startCluster({ replicas }),
  'StartClusterOptions.tls': (tls) => startCluster({ tls }),
  'StartRedisOptions.tls': (tls) => startRedis({ tls }),
  'StartSentinelOptions.sentinelTls': (sentinelTls) => startSentinel({ sentinelTls }),
  'StartSentinelOptions.tls': (tls) => startSentinel({ tls }),
};

/** Where options come in once: a misspelt one is found there. */
const takers: Readonly<Record<string, Use>> = {
  RedisModuleOptions: (options) => resolveOptions(options),
  RedisModuleAsyncOptions: (options) => RedisModule.forRootAsync(options),
  UnnamedCacheOptions: (options) => RedisModule.forCache('reports', options),
  RedisCacheOptions: (options) => new RedisCache(client, keys, options),
  CacheInvalidationOptions: (options) =>
    new RedisCache(client, keys, { invalidation: { replicas: 1, ...(options as object) } }),
  NearOptions: (options) =>
    new RedisCache(client, keys, { near: { ...NEAR, ...(options as object) } }),
  RedisLoggingOptions: (options) => resolveLogging(options),
  RedisRepositoryOptions: (options) => new RedisRepository(client, keys, Counted, options),
  RedisBatchOptions: (options) => new RedisBatch(client, options),
  RedisEntityOptions: ofEntity,
  EntityIdOptions: (options) => {
    decorate(EntityId(options));
  },
  IndexedOptions: (options) => {
    decorate(Indexed(options));
  },
  CachedOptions: (options) => {
    decorate(Cached(options));
  },
  InvalidatesCacheOptions: (options) => {
    decorate(InvalidatesCache(options));
  },
  InvalidatesCacheAroundOptions: (options) => {
    decorate(InvalidatesCache({ ...(options as object), when: 'around' }));
  },
  CompressionOptions: (options) => compressed(jsonSerializer, options),
  HttpLifetime: (options) => CacheTTL(options),
  RedisExceptionFilterOptions: (options) => new RedisExceptionFilter({} as never, options),
  RedisHealthOptions: (options) => resolveHealthOptions(options),
  RedisHealthOfAllOptions: (options) => resolveHealthOfAll(options, ['default']),
  RedisMetricsOptions: (options) => RedisMetricsModule.forRoot(options),
  ResolveRedisOptions: (options) => resolveRedis({}, options),
  StartRedisOptions: (options) => startRedis(options),
  StartClusterOptions: (options) => startCluster(options),
  StartSentinelOptions: (options) => startSentinel(options),
};
/** Options of single calls: the compiler reads them, and a call is not slowed down for it. */
const ofCalls = [
  'BatchWriteOptions',
  'FindByOptions',
  'GetOptions',
  'GetOrLoadAllOptions',
  'GetOrLoadOptions',
  'InvalidatePatternOptions',
  'IterationOptions',
  'PageByOptions',
  'PageOptions',
  'ReadOptions',
  'RestartOptions',
  'SaveOptions',
  'UpdateOptions',
];
/** Interfaces that options are made of, and that no function takes by themselves. */
const parts = ['CachePolicy', 'RedisHealthLimits', 'RedisAddress', 'RedisTlsOptions'];
/** Options that only constructors of errors take. */
const ofErrors = ['RedisExceptionOptions'];

const publicNames = readFileSync('test/rules/public-names.json', 'utf8');
const declared = membersIn('libs/redis/src')
  .map(({ name, type }) => ({ name, type, owner: name.split('.')[0] ?? '' }))
  .filter(({ owner }) => publicNames.includes(`"${owner}"`));
const isOptions = (owner: string) => /(Options|Policy|Limits|Lifetime|Address)$/.test(owner);

describe('The options that are numbers', () => {
  it('each have a row here', () => {
    const found = declared
      .filter(({ name, owner }) => isOptions(owner) || name.endsWith(')'))
      .filter(({ owner }) => owner !== 'RepositoryContractSubject') // which users implement
      .filter(({ type, owner }) => /^number\b/.test(type) && !owner.startsWith('Resolved'))
      .map(({ name }) => name);
    expect(Object.keys(numbers).sort()).toEqual(found.sort());
  });

  it.each(Object.entries(numbers))('%s is refused outside its bounds', async (option, row) => {
    const [accepted, outside, use] = row;
    const name = /(\w+)(\(\w+\))?$/.exec(option)?.[1] ?? '';
    const fraction = FRACTIONS.includes(option) ? [] : [1.5];
    for (const value of [...outside, ...fraction, Number.NaN, Infinity, -Infinity, '5', null]) {
      expect(await problemsOf(use, value)).toEqual([
        expect.objectContaining({
          setting: expect.stringMatching(new RegExp(`\\b${name}$`)),
          value: String(value),
        }),
      ]);
    }
    for (const value of accepted) expect(await problemsOf(use, value)).toEqual([]);
  });
});

describe('The options that are true or false', () => {
  it('each have a row here', () => {
    const found = declared
      .filter(
        ({ owner, type }) => /^boolean\b/.test(type) && /(Options|Shape|Lifetime)$/.test(owner),
      )
      .map(({ name }) => name);
    expect(Object.keys(flags).sort()).toEqual(found.sort());
  });

  it.each(Object.entries(flags))('%s is refused if it is a text', async (option, use) => {
    const setting = expect.stringMatching(new RegExp(`\\b${option.replace(/.*\./, '')}$`));
    for (const value of ['false', 'true']) {
      expect(await problemsOf(use, value)).toContainEqual(expect.objectContaining({ setting }));
    }
  });
});

describe('Options that are misspelt', () => {
  it('have a row here for each place where they come in', () => {
    const found = new Set(
      declared.map(({ owner }) => owner).filter((owner) => /(Options|Lifetime)$/.test(owner)),
    );
    found.delete('ResolvedRedisOptions');
    const listed = [...Object.keys(takers), ...ofCalls, ...ofErrors, ...parts];
    expect(listed).toEqual(expect.arrayContaining([...found]));
  });

  it.each(Object.entries(takers))('are refused by their names: %s', async (owner, use) => {
    const [name = ''] = declared
      .filter((member) => member.owner === owner)
      .map((member) => member.name.replace(/^.*\./, ''))
      .filter((each) => each.length > 3)
      .slice(-1);
    const misspelt = `${name.slice(0, 1)}${name.slice(2)}`;
    const problems = await problemsOf(use, { kind: 'misspelt', [misspelt]: 'x' });
    const accepted = expect.stringMatching(new RegExp(`did you mean ${name}\\?`));
    expect(problems).toContainEqual({
      setting: expect.stringMatching(new RegExp(`(^|\\W)${misspelt}$`)),
      value: 'unknown option',
      accepted,
    });
  });
});
