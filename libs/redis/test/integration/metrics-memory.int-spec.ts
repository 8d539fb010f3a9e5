import { afterEach, beforeEach, expect, it } from '@jest/globals';
import type { Cluster, Redis } from 'ioredis';
import { Registry } from 'prom-client';
import { getRedisToken, type RedisModuleOptions } from 'nestjs-redis-data';
import { startCluster, startRedis } from 'nestjs-redis-data/testing';
import { describeWithRealRedis } from '../../../../test/support/real-redis.js';
import { waitUntil } from '../../src/testing/wait-until.js';
import { caught } from './support/caught.js';
import { primariesOf } from './support/primaries.js';
import { timed } from '../../../../test/support/time.js';
import { countedCommands, openMetricsApp, scrape } from './support/metrics-app.js';

const MB = 1024 * 1024;

const cleanups: (() => unknown)[] = [];
let registry: Registry;
beforeEach(() => {
  registry = new Registry();
});
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function open<Client = Redis>(options: RedisModuleOptions): Promise<Client> {
  const app = await openMetricsApp(registry, { shutdownTimeout: '100ms', ...options });
  cleanups.push(() => app.close());
  return app.get<Client>(getRedisToken(), { strict: false });
}

async function start(...args: string[]) {
  const server = await startRedis({ args });
  cleanups.push(() => server.stop());
  return server;
}

async function memory() {
  const seen = await scrape(registry);
  const of = (name: string) => seen.get(`redis_memory_${name}_bytes{connection="default"}`);
  const evicts = seen.get('redis_memory_evicts{connection="default"}');
  return { used: of('used'), limit: of('limit'), evicts };
}

/** A scrape that is in a hurry, on a busy machine, goes without. */
async function knownMemory() {
  let known = await memory();
  await waitUntil('Redis has said it', async () => {
    known = await memory();
    return known.used !== undefined;
  });
  return known;
}

describeWithRealRedis('metrics of memory', () => {
  it('show the used memory and its limit, and ask Redis once for several scrapes', async () => {
    const server = await start('--maxmemory', '100mb');
    await open({ url: server.url });
    const { used, limit, evicts } = await knownMemory();
    expect(used).toBeGreaterThan(100_000);
    expect(used).toBeLessThan(100 * MB);
    expect([limit, evicts]).toEqual([100 * MB, 0]);
    const asked = await countedCommands(registry, 'info');
    expect(await memory()).toEqual({ used, limit, evicts });
    expect(await countedCommands(registry, 'info')).toBe(asked);
  });

  it('have no limit if Redis has none', async () => {
    const server = await start();
    await open({ url: server.url });
    const { used, limit } = await knownMemory();
    expect(used).toBeGreaterThan(100_000);
    expect(limit).toBeUndefined();
  });

  it.each([
    ['allkeys-lru', 1],
    ['volatile-lru', 0],
  ])('tell whether a full server with the policy %s evicts', async (policy, evicts) => {
    const server = await start('--maxmemory', '100mb', '--maxmemory-policy', policy);
    await open({ url: server.url });
    expect(await knownMemory()).toMatchObject({ limit: 100 * MB, evicts });
  });

  it('are joined by an out_of_memory error when the memory is used up', async () => {
    const server = await start('--maxmemory', '100kb', '--maxmemory-policy', 'noeviction');
    const redis = await open({ url: server.url });
    await expect(redis.set('k', 'v')).rejects.toThrow('OOM');
    const full =
      'redis_command_errors_total{connection="default",command="set",error="out_of_memory"}';
    expect((await scrape(registry)).get(full)).toBe(1);
  });

  it('are absent if INFO is forbidden, which is sent once', async () => {
    const server = await start('--user', 'guest', 'on', '>pw', '~*', '+@all', '-info');
    await open({ host: server.host, port: server.port, username: 'guest', password: 'pw' });
    const refusals = async () =>
      (await scrape(registry)).get(
        'redis_command_errors_total{connection="default",command="info",error="permission"}',
      );
    expect(await memory()).toEqual({ used: undefined, limit: undefined, evicts: undefined });
    const refused = await refusals();
    expect(refused).toBeGreaterThan(0);
    expect(await memory()).toEqual({ used: undefined, limit: undefined, evicts: undefined });
    expect(await refusals()).toBe(refused);
  });

  it('delay one scrape a little when Redis is frozen, and no further one', async () => {
    const server = await start();
    const redis = await open({ url: server.url, commandTimeout: '1s' });
    server.freeze();
    cleanups.push(() => {
      server.thaw();
    });
    const ended: string[] = [];
    const command = caught(redis.get('k')).then(({ message }) => ended.push(message));
    const { ms, result } = await timed(memory);
    ended.push('the scrape');
    expect(result.used).toBeUndefined();
    expect(ms).toBeGreaterThan(200);
    const seen = await Promise.race([scrape(registry), new Promise((r) => setImmediate(r))]);
    expect(seen).toBeInstanceOf(Map);
    await command;
    expect(ended).toEqual(['the scrape', 'Command timed out']);
    const late = (name: string) =>
      `redis_command_errors_total{connection="default",command="${name}",error="timeout"}`;
    await waitUntil('INFO is late as well', async () => {
      const after = await scrape(registry);
      expect([after.get(late('get')), after.get(late('info'))]).toEqual([1, 1]);
      expect(after.get('redis_connection_up{connection="default"}')).toBe(1);
      return true;
    });
  });

  it('are absent, and the connection is down, as long as Redis is down', async () => {
    const server = await start();
    await open({ url: server.url });
    expect((await knownMemory()).used).toBeGreaterThan(0);
    await server.kill();
    const up = async () =>
      (await scrape(registry)).get('redis_connection_up{connection="default"}');
    await waitUntil('the connection is down', async () => (await up()) === 0);
    expect(await memory()).toEqual({ used: undefined, limit: undefined, evicts: undefined });
    await server.restart();
    await waitUntil('the connection is up', async () => (await up()) === 1);
    expect((await knownMemory()).used).toBeGreaterThan(0);
  });
});

describeWithRealRedis('metrics of a cluster', () => {
  it('are those of the fullest primary, and count a command of each node once', async () => {
    const cluster = await startCluster({ replicas: false });
    cleanups.push(() => cluster.stop());
    const clusterNodes = cluster.nodes.map(({ host, port }) => ({ host, port }));
    const client = await open<Cluster>({ clusterNodes });
    const [full, ...others] = primariesOf(client);
    await Promise.all(others.map((node) => node.config('SET', 'maxmemory', '1gb')));
    await full?.config('SET', 'maxmemory', '50mb');
    const { used, limit } = await knownMemory();
    expect(limit).toBe(50 * MB);
    expect(used).toBeGreaterThan(500_000);
    expect(used).toBeLessThan(50 * MB);
    const keys = Array.from({ length: 100 }, (_, i) => `key:${i}`);
    await Promise.all(keys.map((key) => client.set(key, 'v')));
    expect(await countedCommands(registry, 'set')).toBe(100);
    expect(await countedCommands(registry, 'info')).toBe(3);
    expect((await scrape(registry)).get('redis_connection_up{connection="default"}')).toBe(1);
  });
});
