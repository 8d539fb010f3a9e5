import { inspect } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import type { RedisConfigurationException } from '../../errors/redis-configuration.exception.js';
import type { RedisModuleOptions } from './options.js';
import { resolveOptions } from './resolve-options.js';

const problemsOf = (options: unknown) => {
  try {
    resolveOptions(options as RedisModuleOptions);
  } catch (error) {
    return (error as RedisConfigurationException).problems;
  }
  return [];
};

describe('resolveOptions', () => {
  it('fills in the documented defaults', () => {
    expect(resolveOptions({ environment: 'test' })).toEqual({
      name: 'default',
      app: 'app',
      environment: 'test',
      topology: 'standalone',
      addresses: [{ host: 'localhost', port: 6379 }],
      sentinelName: undefined,
      username: undefined,
      db: 0,
      connectTimeoutMs: 5_000,
      commandTimeoutMs: 5_000,
      maxRetriesPerRequest: 3,
      maxConnections: 50,
      acquireTimeoutMs: 5_000,
      defaultTtlMs: 3_600_000,
      startup: 'background',
      startupTimeoutMs: 10_000,
      shutdownTimeoutMs: 2_000,
      ioredis: {},
      ioredisCluster: {},
    });
  });

  it('takes the environment from NODE_ENV', () => {
    expect(resolveOptions({}).environment).toBe(process.env['NODE_ENV']);
  });

  it('takes a URL apart', () => {
    const url = 'rediss://api:p%40ss@redis.internal:6380/2?family=6';
    expect(resolveOptions({ url })).toMatchObject({
      addresses: [{ host: 'redis.internal', port: 6380 }],
      username: 'api',
      password: 'p@ss',
      db: 2,
      tls: {},
      ioredis: { family: 6 },
    });
  });

  it('lets a field win over the same part of the URL', () => {
    const options = {
      url: 'rediss://api:secret@redis.internal:6380/2',
      host: 'other',
      port: 7000,
      username: 'me',
      password: 'mine',
      db: 0,
      tls: false,
    };
    expect(resolveOptions(options)).toMatchObject({
      addresses: [{ host: 'other', port: 7000 }],
      username: 'me',
      password: 'mine',
      db: 0,
      tls: undefined,
    });
  });

  it('knows the three topologies', () => {
    const sentinels = [{ host: 's1', port: 26379 }];
    expect(resolveOptions({ sentinels, sentinelName: 'mymaster' })).toMatchObject({
      topology: 'sentinel',
      addresses: sentinels,
      sentinelName: 'mymaster',
    });
    const clusterNodes = [
      { host: 'n1', port: 7000 },
      { host: 'n2', port: 7001 },
    ];
    expect(resolveOptions({ clusterNodes })).toMatchObject({
      topology: 'cluster',
      addresses: clusterNodes,
    });
  });

  it('reports every problem at once, under the names of the options', () => {
    const problems = problemsOf({
      app: '',
      port: 70_000,
      db: -1,
      commandTimeout: 5_000,
      defaultTtl: '1 hour',
      maxConnections: 0,
      maxRetriesPerRequest: 1.5,
      startup: 'maybe',
    });
    expect(problems.map(({ setting }) => setting).sort()).toEqual([
      'app',
      'commandTimeout',
      'db',
      'defaultTtl',
      'maxConnections',
      'maxRetriesPerRequest',
      'port',
      'startup',
    ]);
  });

  it.each<[string, unknown, string]>([
    ['sentinels without a name', { sentinels: [{ host: 'a', port: 1 }] }, 'sentinelName'],
    ['a sentinel name without sentinels', { sentinelName: 'x' }, 'sentinels'],
    ['an empty cluster', { clusterNodes: [] }, 'clusterNodes'],
    ['a cluster node without a port', { clusterNodes: [{ host: 'a' }] }, 'clusterNodes[0].port'],
    ['a database in a cluster', { clusterNodes: [{ host: 'a', port: 1 }], db: 1 }, 'db'],
    [
      'sentinels and a cluster',
      {
        sentinels: [{ host: 'a', port: 1 }],
        sentinelName: 'x',
        clusterNodes: [{ host: 'a', port: 1 }],
      },
      'clusterNodes',
    ],
    ['a foreign URL', { url: 'http://localhost' }, 'url'],
    ['ioredis keyPrefix', { ioredis: { keyPrefix: 'x:' } }, 'ioredis.keyPrefix'],
    ['cluster keyPrefix', { ioredisCluster: { keyPrefix: 'x:' } }, 'ioredisCluster.keyPrefix'],
    ['a list that is none', { clusterNodes: 'a:1' }, 'clusterNodes'],
    ['an address that is none', { sentinels: [null], sentinelName: 'x' }, 'sentinels[0].host'],
    ['a host with a port', { host: 'localhost:6380' }, 'host'],
    ['a host that is a URL', { host: 'redis://localhost' }, 'host'],
    ['a password that is no text', { password: 123 }, 'password'],
    ['TLS in words', { tls: 'true' }, 'tls'],
    ['TLS null', { tls: null }, 'tls'],
    ['an option it does not know', { comandTimeout: '1s' }, 'comandTimeout'],
    ['a timer beyond 31 bits', { commandTimeout: '30d' }, 'commandTimeout'],
  ])('refuses %s', (_, options, setting) => {
    expect(problemsOf(options).map((problem) => problem.setting)).toContain(setting);
  });

  it.each([undefined, null, 'redis://localhost'])('refuses %p instead of options', (options) => {
    expect(() => resolveOptions(options as unknown as RedisModuleOptions)).toThrow(
      /an object; did the factory return one/,
    );
  });

  it('hides the password and the TLS options from whoever prints the options', () => {
    const resolved = resolveOptions({ password: 'hunter2', tls: { passphrase: 'hunter2' } });
    expect(inspect(resolved) + JSON.stringify(resolved)).not.toContain('hunter2');
    expect(resolved).toMatchObject({ password: 'hunter2', tls: { passphrase: 'hunter2' } });
  });

  it('never prints a password', () => {
    expect(() => resolveOptions({ url: 'redis://:hunter2@host:port' })).toThrow(/\*\*\*@host:port/);
    expect(() => resolveOptions({ url: 'redis://:hunter2@host:port' })).not.toThrow(/hunter2/);
  });

  it('allows TTLs longer than any timer, and forever', () => {
    expect(resolveOptions({ defaultTtl: '90d' }).defaultTtlMs).toBe(90 * 86_400_000);
    expect(resolveOptions({ defaultTtl: 'forever' }).defaultTtlMs).toBe('forever');
  });
});
