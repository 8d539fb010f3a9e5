import { rm } from 'node:fs/promises';
import { expect, it } from '@jest/globals';
import { Test } from '@nestjs/testing';
import { TerminusModule } from '@nestjs/terminus';
import { Redis } from 'ioredis';
import { RedisHealthIndicator } from '../../src/health/index.js';
import { getRedisToken, RedisModule, type RedisModuleOptions } from '../../src/index.js';
import { EmbeddedTestServer } from '../../src/testing/embedded-test-server.js';
import { startRedis, startReplica } from '../../src/testing/index.js';
import { waitUntil } from '../../src/testing/wait-until.js';
import { hangUp } from '../../../../test/support/hang-up.js';
import {
  describeWithRealRedis,
  isBefore7,
  itSinceRedis7,
} from '../../../../test/support/real-redis.js';
import { acceptedBy, useHealthStage } from './support/health-stage.js';
import { recordCommands } from './support/record-commands.js';
import { SOON_MS, timed } from '../../../../test/support/time.js';

const stage = useHealthStage();

it('reports what the embedded server tells about itself', async () => {
  const server = await stage.keep(EmbeddedTestServer.start());
  const { indicator } = await stage.open({ url: server.url });
  expect(await indicator.isHealthy()).toEqual({
    redis: { status: 'up', role: 'primary', replicas: 0, usedMemoryBytes: 0 },
  });
});

it('checks a client that a test has put in the place of ours', async () => {
  const server = await stage.keep(EmbeddedTestServer.start());
  const client = new Redis(server.url, { retryStrategy: () => null });
  await client.ping();
  const module = await Test.createTestingModule({
    imports: [TerminusModule.forRoot({ logger: false }), RedisModule.forRoot()],
    providers: [RedisHealthIndicator],
  })
    .overrideProvider(getRedisToken())
    .useValue(client)
    .compile();
  expect(await module.get(RedisHealthIndicator).checkAll()).toEqual({
    redis: { status: 'up', role: 'primary', replicas: 0, usedMemoryBytes: 0 },
  });
  await module.close();
  hangUp(client);
});

describeWithRealRedis('RedisHealthIndicator', () => {
  it('takes one round trip, and opens no connection even for many probes', async () => {
    const server = await stage.keep(startRedis());
    const { indicator, client } = await stage.open({ url: server.url }, { url: server.url });
    const accepted = await acceptedBy(client());
    const record = recordCommands(client());
    await indicator.isHealthy();
    expect(record).toMatchObject({ roundTrips: 1, mostAtOnce: 3 });
    for (let i = 0; i < 20; i++) await indicator.checkAll();
    expect(await acceptedBy(client())).toBe(accepted);
  });

  it('reports every connection in one report', async () => {
    const server = await stage.keep(startRedis());
    const other = await stage.keep(startRedis());
    const { indicator } = await stage.open({ url: server.url }, { url: other.url });
    await other.kill();
    await waitUntil('the loss was noticed', async () => {
      const report = await indicator.checkAll('db', { timeout: '500ms' });
      expect(Object.keys(report)).toEqual(['db', 'db:other-1']);
      expect(report['db']?.status).toBe('up');
      return report['db:other-1']?.status === 'down';
    });
  });

  it('is degraded only while the memory is nearly full', async () => {
    const server = await stage.keep(startRedis());
    const { indicator, client } = await stage.open({ url: server.url });
    const { redis } = await indicator.isHealthy();
    expect(redis).toMatchObject({ status: 'up', usedMemoryBytes: expect.any(Number) });
    expect(redis).not.toHaveProperty('maxMemoryBytes');
    const limit = Math.round(
      (redis as unknown as { usedMemoryBytes: number }).usedMemoryBytes * 1.02,
    );
    await client().config('SET', 'maxmemory', String(limit));
    const { redis: full } = await indicator.isHealthy();
    expect(full).toMatchObject({
      status: 'degraded',
      maxMemoryBytes: limit,
      reasons: ['the memory is nearly full'],
    });
    expect(full?.['memoryRatio']).toBeGreaterThan(0.9);
    await client().config('SET', 'maxmemory-policy', 'allkeys-lru');
    expect(await indicator.isHealthy()).toMatchObject({
      redis: { status: 'up', maxMemoryBytes: limit },
    });
    await client().config('SET', 'maxmemory-policy', 'noeviction');
    await client().config('SET', 'maxmemory', '0');
    expect((await indicator.isHealthy())['redis']?.status).toBe('up');
  });

  it('is degraded on a replica that was not expected, and on one that has lost its primary', async () => {
    const primary = await stage.keep(startRedis({ args: [] }));
    const replica = await stage.keep(startReplica(primary));
    const { indicator } = await stage.open({ url: primary.url }, { url: replica.url });
    const replicaOnly = { connection: 'other-1', replica: true } as const;
    expect(await indicator.checkAll()).toMatchObject({
      redis: { status: 'up', role: 'primary', replicas: 1 },
      'redis:other-1': {
        status: 'degraded',
        role: 'replica',
        reasons: ['connected to a replica, not to a primary'],
      },
    });
    expect(await indicator.isHealthy('copy', replicaOnly)).toMatchObject({
      copy: { status: 'up', role: 'replica' },
    });
    await primary.kill();
    await waitUntil('the replica has noticed', async () => {
      const { copy } = await indicator.isHealthy('copy', replicaOnly);
      return copy?.status === 'degraded';
    });
    expect(await indicator.isHealthy('copy', replicaOnly)).toMatchObject({
      copy: { reasons: ['the replica has lost its primary, and its data may be old'] },
    });
  });

  /** A connection whose ACL user has these rights. */
  const openAs = (...rights: string[]) => openWith({}, rights);

  async function openWith(options: RedisModuleOptions, rights: readonly string[]) {
    const { url } = await stage.keep(startRedis());
    const admin = await stage.open({ url });
    await admin.client().acl('SETUSER', 'probe', 'on', '>hunter2', ...rights);
    return stage.open({
      url,
      username: 'probe',
      password: 'hunter2',
      ioredis: { enableReadyCheck: false }, // it would send INFO, and print a warning
      ...options,
    });
  }

  it('is up although INFO is forbidden, and lists what it did not check', async () => {
    const { indicator, client } = await openAs('~*', '+@all', '-info');
    const record = recordCommands(client());
    for (let i = 0; i < 5; i++) {
      expect(await indicator.isHealthy()).toEqual({
        redis: { status: 'up', notChecked: ['memory', 'replication'] },
      });
    }
    // A refused command is not sent again: each refusal is counted and logged as an error.
    expect(record.names()).toEqual(['ping', 'info', 'info', 'ping', 'ping', 'ping', 'ping']);
  });

  itSinceRedis7('goes on to ask for a section of INFO that is not forbidden', async () => {
    const { indicator, client } = await openAs('~*', '+@all', '-info', '+info|replication');
    const record = recordCommands(client());
    for (let i = 0; i < 2; i++) {
      expect(await indicator.isHealthy()).toEqual({
        redis: { status: 'up', role: 'primary', replicas: 0, notChecked: ['memory'] },
      });
    }
    expect(record.names()).toEqual(['ping', 'info', 'info', 'ping', 'info']);
  });

  it('is degraded while Redis refuses writes, because it could not save its data', async () => {
    const server = await stage.keep(startRedis());
    const { indicator, client } = await stage.open({ url: server.url });
    const redis = client();
    const [, folder = ''] = await redis.config('GET', 'dir');
    await rm(folder, { recursive: true });
    await redis.config('SET', 'save', '3600 1');
    await redis.set('a', '1');
    await redis.bgsave().catch(() => undefined);
    await waitUntil('the snapshot has failed', async () =>
      (await redis.info('persistence')).includes('rdb_last_bgsave_status:err'),
    );
    expect(await indicator.isHealthy()).toMatchObject({
      redis: {
        status: 'degraded',
        reasons: ['writes are refused, because the data could not be saved'],
      },
    });
  });

  it('answers in time on a frozen server, sends nothing more meanwhile, and is up again', async () => {
    const server = await stage.keep(startRedis());
    const { indicator, client } = await stage.open({ url: server.url });
    server.freeze();
    const { names } = recordCommands(client());
    for (let i = 0; i < 10; i++) {
      const probes = Array.from({ length: 5 }, () =>
        timed(() => indicator.isHealthy('redis', { timeout: '50ms' })),
      );
      for (const { ms, result } of await Promise.all(probes)) {
        expect(ms).toBeLessThan(SOON_MS);
        expect(result).toEqual({ redis: { status: 'down', message: 'no answer in time' } });
      }
    }
    expect(names()).toEqual(['ping', 'info', 'info']);
    server.thaw();
    expect((await indicator.isHealthy())['redis']?.status).toBe('up');
  });

  it('is degraded while a cache bypasses Redis, and names the cache', async () => {
    const server = await stage.keep(startRedis());
    const looked = await stage.open({ url: server.url });
    const { indicator } = looked;
    const cache = looked.cache('reports');
    const patiently = () => cache.getOrLoad('a', () => 1, { timeout: '5s' });
    await patiently();
    server.freeze();
    await cache.getOrLoad('a', () => 1);
    server.thaw();
    expect(cache.isBypassed).toBe(true);
    expect(await indicator.isHealthy()).toMatchObject({
      redis: {
        status: 'degraded',
        bypassedCaches: ['reports'],
        reasons: ['a cache bypasses Redis, because Redis did not answer'],
      },
    });
    await waitUntil('a call has tried', async () => {
      await patiently();
      return (await indicator.isHealthy())['redis']?.status === 'up';
    });
    expect(cache.isBypassed).toBe(false);
  });

  const NEAR = { cache: { near: { maxBytes: 2 ** 20, staleness: '2s' } } } as const;

  it('is degraded while a near copy that is in use hears of no changes, and says why', async () => {
    const forbidden = isBefore7 ? '-client' : '-client|tracking'; // Redis 6 forbids no subcommands
    const rights = ['~*', '&*', '+@all', forbidden];
    const { indicator, cache } = await openWith(NEAR, rights);
    expect((await indicator.isHealthy())['redis']?.status).toBe('up'); // no read has needed it yet
    await cache('reports').getOrLoad('a', () => 1, { timeout: '5s' });
    await waitUntil('the near copy is off', async () => {
      const { redis } = await indicator.isHealthy();
      return redis?.['nearOff'] === 'An ACL forbids CLIENT TRACKING.';
    });
    expect(await indicator.isHealthy()).toMatchObject({
      redis: {
        status: 'degraded',
        reasons: ['a near copy is off, because it does not hear what changes in Redis'],
      },
    });
  });

  it('is up while a near copy hears of changes', async () => {
    const server = await stage.keep(startRedis());
    const { indicator, cache } = await stage.open({ url: server.url, ...NEAR });
    const reports = cache('reports');
    await waitUntil('the near copy serves', async () => {
      await reports.getOrLoad('a', () => 1, { timeout: '5s' });
      return (reports.nearState?.hits ?? 0) > 0;
    });
    const { redis } = await indicator.isHealthy();
    expect(redis).toMatchObject({ status: 'up' });
    expect(redis).not.toHaveProperty('nearOff');
  });
});
