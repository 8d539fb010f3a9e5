import { describe, expect, it } from '@jest/globals';
import { RedisConfigurationException } from '../errors/redis-configuration.exception.js';
import { jsonSerializer } from '../serialization/json-bodies.js';
import type { RedisCacheOptions } from './cache-options.js';
import { resolveCacheOptions, resolvePolicy } from './cache-policy.js';

function problemsOf(resolve: () => unknown): readonly string[] {
  try {
    resolve();
  } catch (error) {
    expect(error).toBeInstanceOf(RedisConfigurationException);
    const { problems } = error as RedisConfigurationException;
    return problems.map(({ setting, value }) => `${setting}=${value}`);
  }
  throw new Error('expected to be refused');
}

describe('The options of a cache', () => {
  it('have defaults', () => {
    expect(resolveCacheOptions({})).toEqual({
      name: 'default',
      onOutage: 'open',
      outbox: false,
      invalidation: undefined,
      changeTtlMs: 10_000,
      maxLoads: 64,
      breakerThreshold: 5,
      breakerCooldownMs: 1_000,
      serializer: jsonSerializer,
      policy: {
        ttlMs: 3_600_000,
        staleForMs: 0,
        negativeTtlMs: 0,
        jitter: 0.1,
        timeoutMs: 250,
        loadTimeoutMs: 10_000,
        failSafeMs: 0,
      },
    });
  });

  const changes: Readonly<Record<keyof RedisCacheOptions, unknown>> = {
    name: 'posts',
    ttl: '1m',
    staleFor: '1m',
    negativeTtl: '1m',
    jitter: 0,
    timeout: '1s',
    loadTimeout: '1s',
    failSafe: '1m',
    onOutage: 'closed',
    maxLoads: 1,
    breakerThreshold: 1,
    breakerCooldown: '1m',
    outbox: true,
    invalidation: { replicas: 1 },
    changeTtl: '1s',
    serializer: { ...jsonSerializer, name: 'mine' },
    near: { maxBytes: 65_536, staleness: '1s' },
  };

  it.each(Object.entries(changes))('take %s', (name, value) => {
    expect(resolveCacheOptions({ [name]: value })).not.toEqual(resolveCacheOptions({}));
  });

  it.each(['false', 1, null])('refuse %p for the outbox, which would switch it on', (outbox) => {
    const options = { outbox } as unknown as RedisCacheOptions;
    expect(problemsOf(() => resolveCacheOptions(options))).toEqual([
      `cache "default": outbox=${outbox}`,
    ]);
  });

  it('are refused all at once, each with the name of its cache', () => {
    const options = {
      name: 'posts',
      ttl: 60,
      staleFor: '5',
      negativeTtl: '0s',
      jitter: 1.5,
      timeout: null,
      loadTimeout: '-1s',
      failSafe: 'forever',
      onOutage: 'ajar',
      maxLoads: 0,
      breakerThreshold: 1.5,
      breakerCooldown: Number.NaN,
    } as unknown as RedisCacheOptions;
    expect(problemsOf(() => resolveCacheOptions(options))).toEqual(
      [
        'ttl=60',
        'staleFor=5',
        'negativeTtl=0s',
        'jitter=1.5',
        'timeout=null',
        'loadTimeout=-1s',
        'failSafe=forever',
        'maxLoads=0',
        'breakerThreshold=1.5',
        'breakerCooldown=NaN',
        'onOutage=ajar',
      ].map((problem) => `cache "posts": ${problem}`),
    );
    expect(problemsOf(() => resolveCacheOptions({ name: '' }))).toEqual(['cache "": name=']);
  });

  it('are overridden by those of a call, which are refused by their names', () => {
    const { policy } = resolveCacheOptions({ ttl: '1m' });
    expect(resolvePolicy({}, policy)).toBe(policy);
    expect(resolvePolicy({ ttl: undefined }, policy)).toBe(policy);
    expect(resolvePolicy({ staleFor: '1s', jitter: 0 }, policy)).toEqual({
      ...policy,
      staleForMs: 1_000,
      jitter: 0,
    });
    const problems = problemsOf(() =>
      resolvePolicy({ ttl: 5 as never, jitter: Number.NaN }, policy),
    );
    expect(problems).toEqual(['ttl=5', 'jitter=NaN']);
    expect(problemsOf(() => resolvePolicy({ ttl: 5 as never }, policy))).toEqual(['ttl=5']); // again
  });
});
