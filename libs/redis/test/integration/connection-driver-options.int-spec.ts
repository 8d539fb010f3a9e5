import { readFileSync } from 'node:fs';
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import {
  AbstractConnector,
  Redis,
  type Cluster,
  type ClusterOptions,
  type RedisOptions,
} from 'ioredis';
import ts from 'typescript';
import { RedisConfigurationException } from '../../src/errors/redis-configuration.exception.js';
import { Telemetry } from '../../src/telemetry/telemetry.js';
import { openConnection } from '../../src/connection/connection.js';
import type { RedisClient, RedisModuleOptions } from '../../src/connection/options/options.js';
import { resolveOptions } from '../../src/connection/options/resolve-options.js';

const address = { host: 'localhost', port: 1 };
const TARGETS = {
  standalone: { ...address },
  sentinel: { sentinels: [address], sentinelName: 'mymaster' },
  cluster: { clusterNodes: [address] },
} satisfies Record<string, RedisModuleOptions>;
type Topology = keyof typeof TARGETS;
const TOPOLOGIES = Object.keys(TARGETS) as Topology[];

/** A value that is none of the defaults, for each option that only some types of values suit. */
const VALUES: Readonly<Record<string, unknown>> = {
  Connector: class extends AbstractConnector {
    connect = () => Promise.reject(new Error('connects to nothing'));
  },
  clusterNodeRetryStrategy: () => 1,
  dnsLookup: () => undefined,
  himportFieldsets: [],
  natMap: { 'a:1': address },
  preferredSlaves: [{ ip: 'a', port: '1' }],
  protocol: 2,
  resolveSrv: () => undefined,
  retryStrategy: () => 1,
  role: 'slave',
  scaleReads: 'slave',
  scripts: { twice: { lua: 'return 2', numberOfKeys: 0 } },
  sentinelReconnectStrategy: () => 1,
  sentinelRetryStrategy: () => 1,
};
/** These have one type, and the value that is not the default. */
const valueOf = (name: string): unknown => VALUES[name] ?? (isFlag(name) ? !DEFAULTS[name] : 4_711);
const FLAGS =
  /^(auto|disable|enable|failoverDetector|lazy|monitor|noDelay|readOnly|sharded|show|update|use)/;
const isFlag = (name: string) => FLAGS.test(name);
const DEFAULTS = (Redis as unknown as { defaultOptions: Record<string, unknown> }).defaultOptions;

/** The options that the types of ioredis declare, of both versions that are supported. */
function declaredBy(file: string, names: readonly string[]): string[] {
  const path = require.resolve(`ioredis/package.json`).replace(/package\.json$/, file);
  return [path, path.replace(/ioredis\/built/, 'ioredis-5/built')].flatMap((each) => {
    const text = readFileSync(each, 'utf8');
    const source = ts.createSourceFile(each, text, ts.ScriptTarget.Latest, true);
    return source.statements
      .filter(ts.isInterfaceDeclaration)
      .filter(({ name }) => names.includes(name.text))
      .flatMap(({ members }) => members.map((member) => member.name?.getText() ?? ''));
  });
}
const commander = declaredBy('built/utils/Commander.d.ts', ['CommanderOptions']);
const SERVER_OPTIONS = new Set([
  ...commander,
  ...declaredBy('built/redis/RedisOptions.d.ts', ['CommonRedisOptions']),
  ...declaredBy('built/connectors/SentinelConnector/index.d.ts', ['SentinelConnectionOptions']),
  ...['port', 'host', 'family', 'path'], // of Node's sockets
]);
// These are wrapped, and have tests of their own.
SERVER_OPTIONS.delete('reconnectOnError');
const CLUSTER_OPTIONS = new Set([
  ...commander,
  ...declaredBy('built/cluster/ClusterOptions.d.ts', ['ClusterOptions']),
]);
CLUSTER_OPTIONS.delete('clusterRetryStrategy');

const clients: RedisClient[] = [];
afterEach(() => {
  for (const client of clients.splice(0)) client.disconnect();
});

function open(options: RedisModuleOptions): RedisClient {
  const { client } = openConnection(resolveOptions(options), new Telemetry());
  clients.push(client);
  return client;
}

/** The options of the connection to a server: of the client, or of one that a cluster makes. */
function ofServer(client: RedisClient): Record<string, unknown> {
  if (!('nodes' in client)) return client.options as Record<string, unknown>;
  const { connectionPool } = client as unknown as {
    connectionPool: { findOrCreate(node: object): Redis };
  };
  return connectionPool.findOrCreate(address).options as Record<string, unknown>;
}

/** What became of an option: it is where the driver reads it, or it was refused by its name. */
function fateOf(
  setting: 'ioredis' | 'ioredisCluster',
  name: string,
  topology: Topology,
): 'honoured' | 'refused' | 'dropped' {
  const value = valueOf(name);
  try {
    const client = open({ ...TARGETS[topology], [setting]: { [name]: value } });
    const found = setting === 'ioredis' ? ofServer(client) : (client as Cluster).options;
    const arrived = (found as Record<string, unknown>)[name];
    return isSame(arrived, value) ? 'honoured' : 'dropped';
  } catch (error) {
    if (!(error instanceof RedisConfigurationException)) throw error;
    const settings = error.problems.map((problem) => problem.setting);
    return settings.includes(`${setting}.${name}`) ? 'refused' : 'dropped';
  }
}

/** Lists are copied on their way, and functions are not. */
function isSame(one: unknown, other: unknown): boolean {
  if (typeof one === 'function' || one === undefined) return one === other;
  return JSON.stringify(one) === JSON.stringify(other);
}

it('The options of ioredis are found in its types at all', () => {
  const some = ['keepAlive', 'keyPrefix', 'sentinels', 'himportFieldsets', 'host'];
  expect([...SERVER_OPTIONS]).toEqual(expect.arrayContaining(some));
  expect([...CLUSTER_OPTIONS]).toEqual(expect.arrayContaining(['keyPrefix', 'scaleReads']));
});

describe.each(TOPOLOGIES)('On a connection of kind %s', (topology) => {
  it.each([...SERVER_OPTIONS])(
    "ioredis's option %s is honoured, or refused by its name",
    (name) => {
      expect(fateOf('ioredis', name, topology)).not.toBe('dropped');
    },
  );
});

it.each(TOPOLOGIES)('reconnectOnError is asked on a connection of kind %s', (topology) => {
  const reconnectOnError = jest.fn(() => false);
  const client = open({ ...TARGETS[topology], ioredis: { reconnectOnError } });
  const asked = ofServer(client)['reconnectOnError'] as (error: Error) => unknown;
  asked(new Error('LOADING'));
  expect(reconnectOnError).toHaveBeenCalledTimes(1);
});

it('clusterRetryStrategy is asked in a cluster', () => {
  const clusterRetryStrategy = jest.fn(() => 4_711);
  const { options } = open({ ...TARGETS.cluster, ioredisCluster: { clusterRetryStrategy } });
  const asked = (options as ClusterOptions).clusterRetryStrategy?.bind({} as never);
  expect(asked?.(1)).toBe(4_711);
  expect(clusterRetryStrategy).toHaveBeenCalledTimes(1);
});

describe("ioredis's options for clusters", () => {
  it.each([...CLUSTER_OPTIONS])('%s is honoured in a cluster, or refused by its name', (name) => {
    expect(fateOf('ioredisCluster', name, 'cluster')).not.toBe('dropped');
  });

  it.each(['standalone', 'sentinel'] as const)('are refused on a %s connection', (topology) => {
    const options = { ...TARGETS[topology], ioredisCluster: { scaleReads: 'slave' } } as const;
    expect(() => open(options)).toThrow(/ioredisCluster=has no effect without a cluster/);
  });
});

describe('Options that are handed on to ioredis', () => {
  it.each([
    ['ioredis', { retryStratagy: () => 1 }, /ioredis\.retryStratagy=unknown.*retryStrategy\?/],
    ['ioredis', { role: 'slave' }, /ioredis\.role=has no effect without sentinels/],
    ['ioredis', { host: 'db', port: 1 }, /ioredis\.host=\*\*\*: the option 'host'\n.*'port'/],
    ['ioredis', { password: 'hunter2' }, /ioredis\.password=\*\*\*/],
    ['ioredis', 'redis://:hunter2@db', /ioredis=\*\*\*: an object/],
    ['ioredis', null, /ioredis=\*\*\*: an object/],
    ['ioredis', { keepAlive: 2 ** 31 }, /ioredis\.keepAlive=2147483648: .* to 2147483647/],
    ['ioredis', { keepAlive: -1 }, /ioredis\.keepAlive=-1: milliseconds from 0/],
    ['ioredis', { keepAlive: '10s' }, /ioredis\.keepAlive=10s: milliseconds from 0/],
  ])('%s: %p is refused', (setting, given, message) => {
    expect(() => open({ [setting]: given })).toThrow(message);
    expect(() => open({ [setting]: given })).not.toThrow(/hunter2/);
  });

  it.each([0, 2 ** 31 - 1])('may be timers of %d ms', (keepAlive) => {
    expect(ofServer(open({ ioredis: { keepAlive } }))).toMatchObject({ keepAlive });
  });

  it('leave the defaults as they are where they are undefined', () => {
    const unset = { Connector: undefined, disconnectTimeout: undefined, retryStrategy: undefined };
    const tls = true;
    const given = ofServer(open({ tls, ioredis: unset }));
    const byDefault = ofServer(open({ tls }));
    for (const name of Object.keys(unset)) {
      expect(String(given[name])).toBe(String(byDefault[name]));
    }
  });

  it('do not take a variable of the types of ioredis itself, which promise more', () => {
    const ofServers: RedisOptions = { host: 'db', port: 1, db: 2 };
    const ofClusters: ClusterOptions = { redisOptions: { password: 'x' } };
    // @ts-expect-error host, port and db are options of the library
    expect(() => open({ ioredis: ofServers })).toThrow(/ioredis\.host.*\n.*\.port.*\n.*\.db/);
    const clusterNodes = [address];
    // @ts-expect-error those of the servers are options of the library, and `ioredis`
    expect(() => open({ clusterNodes, ioredisCluster: ofClusters })).toThrow(/redisOptions/);
  });
});
