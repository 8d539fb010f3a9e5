import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import {
  startCluster,
  startFaultProxy,
  startRedis,
  startSentinel,
  type RedisTestCluster,
  type RedisTestSentinel,
} from 'nestjs-redis-data/testing';
import { describeSinceRedis7, describeWithRealRedis } from '../../../../test/support/real-redis.js';
import { redisOptionsFromEnvironment } from '../../src/connection/options/environment.js';
import type { RedisModuleOptions } from '../../src/connection/options/options.js';
import { translateError } from '../../src/connection/driver/failures/translate-error.js';
import { sendCommand } from '../../src/testing/redis-command.js';
import { waitUntil } from '../../src/testing/wait-until.js';
import { caught } from './support/caught.js';
import { openConnection } from './support/open-connection.js';
import { outsideOfTls, serverNameIn } from './support/recording-proxy.js';
import { recordAll, sentTo, useEveryConnection } from './support/wired-app.js';

const PASSWORD = 'the password of Redis';
const SENTINEL_PASSWORD = 'the-password-of-sentinels';

const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** Proxies before these servers, which end with the test. */
async function record(...args: Parameters<typeof recordAll>) {
  const recording = await recordAll(...args);
  cleanups.push(() => recording.stop());
  return recording;
}

function expectOnlyTls(sent: readonly Buffer[]): void {
  expect(sent.map((bytes) => outsideOfTls(bytes).toString('latin1')).join('')).toBe('');
}

describeWithRealRedis('TLS to a standalone server', () => {
  it('sends no unencrypted byte, and requests the certificate for the host name', async () => {
    const server = await startRedis({ tls: true, password: PASSWORD });
    cleanups.push(() => server.stop());
    const { proxies } = await record([server]);
    const [proxy] = proxies;
    await useEveryConnection({
      url: `rediss://localhost:${proxy?.port}`,
      password: PASSWORD,
      tls: { ca: server.tls?.ca },
    });
    const sent = sentTo(proxies);
    expectOnlyTls(sent);
    expect(new Set(sent.map(serverNameIn))).toEqual(new Set(['localhost']));
  });

  it('requests no name if there is only an address', async () => {
    const server = await startRedis({ tls: true });
    cleanups.push(() => server.stop());
    const { proxies } = await record([server]);
    const { host, port } = proxies[0] ?? server;
    const { close } = await openConnection({ host, port, tls: { ca: server.tls?.ca } });
    await close();
    expect(sentTo(proxies).map(serverNameIn)).toEqual([undefined]);
  });
});

describeWithRealRedis('TLS behind sentinels', () => {
  let topology: RedisTestSentinel;
  beforeAll(async () => {
    topology = await startSentinel({
      tls: true,
      password: PASSWORD,
      sentinelPassword: SENTINEL_PASSWORD,
    });
  });
  afterAll(() => topology.stop());

  it.each(['master', 'slave'] as const)(
    'sends no unencrypted byte to a %s and a sentinel, and requests the certificate for the name of each',
    async (role) => {
      const servers = await record([topology.primary, ...topology.replicas]);
      const sentinels = await record(topology.sentinels);
      await (role === 'master' ? useEveryConnection : onlyConnect)({
        sentinels: [{ host: 'localhost', port: sentinels.proxies[0]?.port ?? 0 }],
        sentinelName: topology.name,
        sentinelPassword: SENTINEL_PASSWORD,
        sentinelTls: true,
        password: PASSWORD,
        tls: { ca: topology.primary.tls?.ca },
        ioredis: { role, natMap: { ...servers.natMap, ...sentinels.natMap } },
      });
      const used = servers.proxies.filter(({ sent }) => sent.length > 0);
      expect(used.length).toBeGreaterThan(0);
      const sent = [...sentTo(used), ...sentTo(sentinels.proxies.slice(0, 1))];
      expectOnlyTls(sent);
      expect(new Set(sent.map(serverNameIn))).toEqual(new Set(['localhost']));
    },
  );
});

describeWithRealRedis('sentinels without TLS that need credentials', () => {
  let topology: RedisTestSentinel;
  beforeAll(async () => {
    topology = await startSentinel({
      tls: true,
      sentinelTls: false,
      password: PASSWORD,
      sentinelPassword: SENTINEL_PASSWORD,
    });
    const [{ host, port } = topology.primary] = topology.sentinels;
    const admin = { host, port, password: SENTINEL_PASSWORD };
    const rights = [
      '+sentinel|get-master-addr-by-name',
      '+sentinel|sentinels',
      '+hello',
      '+client',
    ];
    await sendCommand(admin, 'ACL', 'SETUSER', 'watcher', 'on', '>watching', ...rights);
  });
  afterAll(() => topology.stop());
  const target = () => ({
    sentinels: topology.sentinels.slice(0, 1),
    sentinelName: topology.name,
    sentinelTls: false,
    password: PASSWORD,
    tls: { ca: topology.primary.tls?.ca },
  });

  it('are the only servers that get unencrypted bytes, and do not get the password of Redis', async () => {
    const servers = await record([topology.primary]);
    const sentinels = await record(topology.sentinels);
    const [{ host, port } = topology.primary] = sentinels.proxies;
    await useEveryConnection({
      ...redisOptionsFromEnvironment({
        REDIS_TLS: 'true',
        REDIS_SENTINELS: `${host}:${port}`,
        REDIS_SENTINEL_NAME: topology.name,
        REDIS_SENTINEL_PASSWORD: SENTINEL_PASSWORD,
        REDIS_SENTINEL_TLS: 'false',
        REDIS_PASSWORD: PASSWORD,
      }),
      tls: { ca: topology.primary.tls?.ca },
      ioredis: { natMap: { ...servers.natMap, ...sentinels.natMap } },
    });
    expectOnlyTls(sentTo(servers.proxies));
    const told = Buffer.concat(sentTo(sentinels.proxies.slice(0, 1))).toString();
    expect(told).toContain(SENTINEL_PASSWORD);
    expect(told).not.toContain(PASSWORD);
  });

  it('get their own credentials, and not those of Redis', async () => {
    for (const access of [
      { sentinelPassword: SENTINEL_PASSWORD },
      { sentinelUsername: 'watcher', sentinelPassword: 'watching' },
    ]) {
      const { client, close } = await openConnection({ ...target(), ...access });
      cleanups.push(close);
      expect(await client.ping()).toBe('PONG');
    }
  });

  it.each([
    ['wrong', { sentinelPassword: 'wrong' }],
    ['missing', {}],
    ['those of Redis', { password: SENTINEL_PASSWORD, tls: false }],
  ])('fail the boot at once if they are %s', async (_, access) => {
    const opening = openConnection({ ...target(), ...access, startupTimeout: '60s' });
    const error = await caught(opening);
    expect(error.name).toBe('RedisAuthenticationException');
    expect(error.message).toContain('sentinelPassword');
  });

  it('reject commands at once', async () => {
    const { client, close } = await openConnection({
      ...target(),
      sentinelPassword: 'wrong',
      startup: 'background',
      commandTimeout: '60s',
      maxRetriesPerRequest: 1_000,
    });
    cleanups.push(close);
    const error = translateError(await caught(client.get('k')));
    expect(error?.name).toBe('RedisAuthenticationException');
  });

  it('are asked again if the connection was lost during the question', async () => {
    const [sentinel] = topology.sentinels;
    const proxy = await startFaultProxy(sentinel ?? topology.primary);
    cleanups.push(() => proxy.stop());
    proxy.stall();
    const { client, close, until } = await openConnection({
      ...target(),
      sentinels: [proxy],
      sentinelPassword: SENTINEL_PASSWORD,
      startup: 'background',
    });
    cleanups.push(close);
    await waitUntil('the sentinel is asked', async () => proxy.connections > 0);
    client.disconnect(true);
    await proxy.heal();
    await until('connection.ready');
    expect(await client.ping()).toBe('PONG');
  });

  it('are asked as often as any server is tried', async () => {
    const { client, close, until } = await openConnection({
      sentinels: [{ host: '127.0.0.1', port: 1 }],
      sentinelName: topology.name,
      startup: 'background',
      commandTimeout: '60s',
      maxRetriesPerRequest: 1,
    });
    cleanups.push(close);
    await until('connection.down');
    const error = translateError(await caught(client.get('k')));
    expect(error?.name).toBe('RedisConnectionException');
  });
});

async function onlyConnect(options: RedisModuleOptions): Promise<void> {
  const { client, close } = await openConnection(options);
  await client.ping();
  await close();
}

describeSinceRedis7('TLS to a cluster whose nodes have names', () => {
  let cluster: RedisTestCluster;
  beforeAll(async () => {
    cluster = await startCluster({ tls: true, hostname: 'localhost', password: PASSWORD });
  });
  afterAll(() => cluster.stop());
  const access = () => ({ password: PASSWORD, tls: { ca: cluster.nodes[0]?.tls?.ca } });

  it('checks certificates against names, and finds each node by its name', async () => {
    const [seed] = cluster.nodes;
    const { client, close } = await openConnection({
      clusterNodes: [{ host: 'localhost', port: seed?.port ?? 0 }],
      ...access(),
    });
    cleanups.push(close);
    const keys = Array.from({ length: 50 }, (_, i) => `key:${i}`);
    await Promise.all(keys.map((key) => client.set(key, key)));
    expect(await Promise.all(keys.map((key) => client.get(key)))).toEqual(keys);
    if (!('nodes' in client)) throw new Error('no cluster');
    const hosts = new Set(client.nodes('master').map(({ options }) => options.host));
    expect([...hosts]).toEqual(['localhost']);
  });

  it('sends no unencrypted byte to any node, and requests the certificate for the name of each', async () => {
    const { proxies, natMap } = await record(cluster.nodes, 'localhost');
    // A node that was too slow for the others is not announced for a while.
    await waitUntil('every node is used', async () => {
      await useEveryConnection({
        clusterNodes: [{ host: 'localhost', port: proxies[0]?.port ?? 0 }],
        tls: access().tls,
        credentials: () => ({ password: PASSWORD }),
        ioredisCluster: { natMap, scaleReads: 'slave' },
      });
      return proxies.every((proxy) => proxy.sent.some((bytes) => bytes.length > 0));
    });
    const sent = sentTo(proxies);
    expectOnlyTls(sent);
    expect(new Set(sent.map(serverNameIn))).toEqual(new Set(['localhost']));
  });
});

describe('The recording of bytes', () => {
  it('finds unencrypted bytes before and after TLS records', () => {
    const record = Buffer.from([0x17, 3, 3, 0, 2, 1, 2]);
    const plain = Buffer.from('PING');
    expect(outsideOfTls(Buffer.concat([record, record]))).toHaveLength(0);
    expect(outsideOfTls(Buffer.concat([record, plain])).toString()).toBe('PING');
    expect(outsideOfTls(plain).toString()).toBe('PING');
  });
});
