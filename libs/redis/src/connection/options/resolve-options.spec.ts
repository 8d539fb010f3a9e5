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
      silenceTimeoutMs: 5_000,
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

  it('knows a Unix socket by URL and by path, with the database of either', () => {
    const socket = {
      topology: 'standalone',
      path: '/run/r',
      addresses: [{ host: '/run/r', port: 0 }],
    };
    expect(resolveOptions({ url: 'unix://:x@/run/r?db=2' })).toMatchObject({
      ...socket,
      password: 'x',
      db: 2,
      tls: undefined,
    });
    expect(resolveOptions({ path: '/run/r', db: 2 })).toMatchObject({ ...socket, db: 2 });
    expect(resolveOptions({ url: 'unix:///run/r', host: 'other' })).toMatchObject({
      path: undefined,
      addresses: [{ host: 'other', port: 6379 }],
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

  it.each([
    ['10.0.0.5:6380', 'a host name or IP address alone; give the port as port'],
    ['[::1]:6380', 'a host name or IP address alone; give the port as port'],
    ['redis://h:6380', "a host name or IP address alone; give a URL as 'url'"],
    ['[::1]', 'a host name or IP address alone, without brackets'],
    ['a b', 'a host name or IP address alone'],
    ['', 'a text that is not empty; leave it out for the default'],
  ])('says what to do instead of the host %j', (host, accepted) => {
    expect(problemsOf({ host })).toMatchObject([{ setting: 'host', accepted }]);
  });

  it.each(['::1', 'fe80::1%eth0', '10.0.0.5', 'redis', 'redis_1.internal'])(
    'takes the host %s',
    (host) => {
      expect(resolveOptions({ host }).addresses).toEqual([{ host, port: 6379 }]);
    },
  );

  it('takes empty names and passwords, as an empty environment gives them, for none', () => {
    const empty = {
      username: '',
      password: '',
      sentinelName: '',
      sentinelUsername: '',
      sentinelPassword: '',
    };
    const none = { username: undefined, password: undefined, sentinelName: undefined };
    expect(resolveOptions({ ...empty, tls: true })).toMatchObject({
      ...none,
      topology: 'standalone',
      sentinelUsername: undefined,
      sentinelPassword: undefined,
    });
    expect(resolveOptions({ ...empty, url: 'redis://me:pw@h' })).toMatchObject({
      username: 'me',
      password: 'pw',
    });
    const credentials = () => ({ password: 'pw' });
    expect(resolveOptions({ ...empty, credentials })).toMatchObject(none);
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
    [
      'TLS that would be ignored',
      { ioredis: { tls: {} }, sentinels: [{ host: 'a', port: 1 }], sentinelName: 'x' },
      'ioredis.tls',
    ],
    [
      'TLS that would be switched off',
      { ioredis: { enableTLSForSentinelMode: false }, tls: true },
      'ioredis.enableTLSForSentinelMode',
    ],
    [
      'TLS for nodes that would be replaced',
      {
        ioredisCluster: { redisOptions: { tls: {} } },
        clusterNodes: [{ host: 'a', port: 1 }],
      },
      'ioredisCluster.redisOptions',
    ],
    ['a list that is none', { clusterNodes: 'a:1' }, 'clusterNodes'],
    ['an address that is none', { sentinels: [null], sentinelName: 'x' }, 'sentinels[0].host'],
    ['a host with a port', { host: 'localhost:6380' }, 'host'],
    ['a host that is a URL', { host: 'redis://localhost' }, 'host'],
    ['an address with a port', { host: '10.0.0.5:6380' }, 'host'],
    ['hosts in a list', { host: 'a,b' }, 'host'],
    ['a host in quotes', { host: '"redis"' }, 'host'],
    ['no host', { host: '' }, 'host'],
    ['no URL', { url: '' }, 'url'],
    ['no application', { app: '' }, 'app'],
    ['no path', { path: '' }, 'path'],
    ['a user that is no text', { username: 0, url: 'redis://me:pw@h' }, 'username'],
    [
      'a sentinel with a port in its host',
      { sentinels: [{ host: '10.0.0.5:26379', port: 26379 }], sentinelName: 'x' },
      'sentinels[0].host',
    ],
    ['a password that is no text', { password: 123 }, 'password'],
    ['a host that is null', { host: null, url: 'redis://db' }, 'host'],
    ['a password that is null', { password: null }, 'password'],
    ['a user that is null', { username: null }, 'username'],
    ['TLS in words', { tls: 'true' }, 'tls'],
    ['TLS null', { tls: null }, 'tls'],
    ['an option it does not know', { comandTimeout: '1s' }, 'comandTimeout'],
    ['a socket with a relative path', { path: 'redis.sock' }, 'path'],
    ['a socket and a host', { path: '/redis.sock', host: 'h' }, 'path'],
    ['a socket and a cluster', { path: '/r', clusterNodes: [{ host: 'a', port: 1 }] }, 'path'],
    ['TLS over a socket', { url: 'unix:///redis.sock', tls: true }, 'tls'],
    ['credentials of sentinels without any', { sentinelPassword: 'x' }, 'sentinels'],
    [
      'a password of sentinels that TLS would not cover',
      {
        sentinels: [{ host: 'a', port: 1 }],
        sentinelName: 'x',
        sentinelPassword: 'x',
        tls: true,
      },
      'sentinelTls',
    ],
    ['two kinds of credentials', { credentials: () => ({}), password: 'x' }, 'credentials'],
    ['a CA that is no PEM', { tls: { ca: 'x' } }, 'tls.ca'],
    ['a timer beyond 31 bits', { commandTimeout: '30d' }, 'commandTimeout'],
  ])('refuses %s', (_, options, setting) => {
    expect(problemsOf(options).map((problem) => problem.setting)).toContain(setting);
  });

  it.each([undefined, null, 'redis://localhost'])('refuses %p instead of options', (options) => {
    expect(() => resolveOptions(options as unknown as RedisModuleOptions)).toThrow(
      /an object; did the factory return one/,
    );
  });

  const servers = [{ host: 'a', port: 1 }];
  const sentinels = { sentinels: servers, sentinelName: 'x' };
  const rows: Readonly<Record<keyof RedisModuleOptions, readonly [object, object?]>> = {
    acquireTimeout: [{ acquireTimeout: '1s' }],
    app: [{ app: 'shop' }],
    clusterNodes: [{ clusterNodes: servers }],
    commandTimeout: [{ commandTimeout: '1s' }],
    connectTimeout: [{ connectTimeout: '1s' }],
    credentials: [{ credentials: () => ({ password: 'x' }) }],
    db: [{ db: 1 }],
    defaultTtl: [{ defaultTtl: 'forever' }],
    environment: [{ environment: 'eu' }],
    host: [{ host: 'db' }],
    ioredis: [{ ioredis: { noDelay: false } }],
    ioredisCluster: [
      { clusterNodes: servers, ioredisCluster: { scaleReads: 'slave' } },
      { clusterNodes: servers },
    ],
    maxConnections: [{ maxConnections: 1 }],
    maxRetriesPerRequest: [{ maxRetriesPerRequest: 0 }],
    password: [{ password: 'x' }],
    path: [{ path: '/run/r' }],
    port: [{ port: 1 }],
    sentinelName: [{ ...sentinels, sentinelName: 'y' }, sentinels],
    sentinelPassword: [{ ...sentinels, sentinelPassword: 'x' }, sentinels],
    sentinelTls: [{ ...sentinels, sentinelTls: true }, sentinels],
    sentinelUsername: [{ ...sentinels, sentinelUsername: 'x' }, sentinels],
    sentinels: [{ ...sentinels, sentinels: [{ host: 'b', port: 2 }] }, sentinels],
    shutdownTimeout: [{ shutdownTimeout: '1s' }],
    silenceTimeout: [{ silenceTimeout: '1s' }],
    startup: [{ startup: 'require' }],
    startupTimeout: [{ startupTimeout: '1s' }],
    tls: [{ tls: true }],
    url: [{ url: 'redis://db' }],
    username: [{ username: 'me' }],
  };

  it.each(Object.entries(rows))('takes %s', (_, [given, without = {}]) => {
    const all = (options: object) => inspect(resolveOptions(options), { showHidden: true });
    expect(all(given)).not.toBe(all(without));
  });

  it.each([{ clusterNodes: servers }, sentinels])(
    'refuses host and port beside %j, which would win over them',
    (others) => {
      const problems = problemsOf({ ...others, host: 'db', port: 2 });
      expect(problems.map(({ setting, value }) => [setting, value])).toEqual([
        ['host', 'db'],
        ['port', '2'],
      ]);
    },
  );

  it('hides the password and the TLS options when the options are printed', () => {
    const resolved = resolveOptions({ password: 'hunter2', tls: { passphrase: 'hunter2' } });
    expect(inspect(resolved) + JSON.stringify(resolved)).not.toContain('hunter2');
    expect(resolved).toMatchObject({ password: 'hunter2', tls: { passphrase: 'hunter2' } });
  });

  it('never prints a password', () => {
    for (const options of [
      { url: 'redis://:hunter2@host:port' },
      { url: 'hunter2' },
      { host: 'me:hunter2@host' },
      { password: ['hunter2'] },
      { tls: 'hunter2' },
      { credentials: 'hunter2' },
      { clusterNodes: 'redis://:hunter2@host:1' },
      { sentinels: ['me:hunter2@host:1'], sentinelName: 'x', sentinelPassword: 1 },
      'redis://:hunter2@host',
    ]) {
      const given = options as RedisModuleOptions;
      expect(() => resolveOptions(given)).toThrow(/\*\*\*|is not set/);
      expect(() => resolveOptions(given)).not.toThrow(/hunter2/);
    }
  });

  it('allows TTLs longer than any timer, and forever', () => {
    expect(resolveOptions({ defaultTtl: '90d' }).defaultTtlMs).toBe(90 * 86_400_000);
    expect(resolveOptions({ defaultTtl: 'forever' }).defaultTtlMs).toBe('forever');
  });
});
