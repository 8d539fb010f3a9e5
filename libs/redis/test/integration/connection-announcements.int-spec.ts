/** What is announced of commands, pools, batches and repositories, on real servers. */
import 'reflect-metadata';
import { AsyncLocalStorage } from 'node:async_hooks';
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { Redis, type Cluster } from 'ioredis';
import { startCluster, startFaultProxy, startRedis } from 'nestjs-redis-data/testing';
import { describeWithRealRedis } from '../../../../test/support/real-redis.js';
import { RedisBatch } from '../../src/batch/redis-batch.js';
import { Connections } from '../../src/connection/connections.js';
import { RedisScript } from '../../src/connection/driver/redis-script.js';
import type { RedisModuleOptions } from '../../src/connection/options/options.js';
import { resolveOptions } from '../../src/connection/options/resolve-options.js';
import { KeyBuilder } from '../../src/keys/key-builder.js';
import { EntityId, RedisEntity } from '../../src/repository/entity/entity.decorators.js';
import { RedisRepository } from '../../src/repository/redis-repository.js';
import type { CommandEvent } from '../../src/telemetry/command.events.js';
import type { OperationEvent } from '../../src/telemetry/operation.events.js';
import type { PoolEvent } from '../../src/telemetry/pool.events.js';
import { Telemetry } from '../../src/telemetry/telemetry.js';
import { caught } from './support/caught.js';

const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** A connection, and a list of what is announced of its commands. */
async function open(options: RedisModuleOptions, name = 'main', telemetry = new Telemetry()) {
  const events: CommandEvent[] = [];
  telemetry.subscribe({
    command: (event) => {
      if (event.connection === name) events.push(event);
    },
  });
  const registry = new Connections(telemetry);
  cleanups.push(() => registry.closeAll());
  const resolved = resolveOptions({ startup: 'require', ...options }, name);
  const client = await registry.open(resolved);
  return {
    client,
    events,
    telemetry,
    registry,
    resolved,
    namesOf: () => events.map((e) => e.command),
  };
}

async function start(options?: Parameters<typeof startRedis>[0]) {
  const server = await startRedis(options);
  cleanups.push(() => server.stop());
  return server;
}

const facts = (event: CommandEvent | undefined) =>
  event && [event.command, event.key, event.failure?.kind];

describe('a command', () => {
  it('is announced once, with its duration and key', async () => {
    const { url } = await start();
    const { client, events } = await open({ url });
    await client.set('a', 1);
    expect(events.map(facts)).toEqual([['set', 'a', undefined]]);
    expect(events[0]?.durationMs).toBeGreaterThan(0);
    expect(events[0]).toMatchObject({ type: 'command', connection: 'main', isBlocking: false });
  });

  it('carries no argument but its first key, whoever prints it', async () => {
    const { url } = await start();
    const { client, events } = await open({ url });
    await client.set('a', 'planted');
    expect(JSON.stringify(events)).not.toContain('planted');
    expect(Object.keys(events[0] ?? {})).not.toContain('args');
  });

  it('is not announced as part of setting a connection up', async () => {
    const { url } = await start({ password: 'hunter2' });
    const { client, events } = await open({ url, db: 2 });
    await client.get('a');
    expect(events.map(facts)).toEqual([['get', 'a', undefined]]);
  });

  it('is announced as failed with the kind of its exception', async () => {
    const { url } = await start();
    const { client, events } = await open({ url });
    await client.set('a', 'text');
    await caught(client.lpush('a', 1));
    expect(facts(events[1])).toEqual(['lpush', 'a', 'command']);
    expect(events[1]?.failure?.error.message).toMatch(/^WRONGTYPE/);
  });

  it('is announced once when it is too late, and not again when its reply comes', async () => {
    const proxy = await startFaultProxy(await start());
    cleanups.push(() => proxy.stop());
    const { host, port } = proxy;
    const { client, events } = await open({ host, port, commandTimeout: '500ms' });
    proxy.stall();
    await caught(client.get('a'));
    expect(events.map(facts)).toEqual([['get', 'a', 'timeout']]);
    await proxy.heal();
    await client.get('b');
    expect(events.map(facts)).toEqual([
      ['get', 'a', 'timeout'],
      ['get', 'b', undefined],
    ]);
  });

  it('is told apart from those of another connection to the same server', async () => {
    const { url } = await start();
    const telemetry = new Telemetry();
    const one = await open({ url }, 'one', telemetry);
    const two = await open({ url }, 'two', telemetry);
    await Promise.all([one.client.get('a'), two.client.get('b')]);
    expect(one.events.map(({ key }) => key)).toEqual(['a']);
    expect(two.events.map(({ key }) => key)).toEqual(['b']);
  });

  it('is announced for itself in a pipeline and in a transaction', async () => {
    const { url } = await start();
    const { client, events, namesOf } = await open({ url });
    await client.pipeline().set('a', 1).get('a').lpush('a', 1).exec();
    expect(namesOf()).toEqual(['set', 'get', 'lpush']);
    expect(events[2]?.failure?.kind).toBe('command');
    events.length = 0;
    await client.multi().set('a', 1).get('a').exec();
    expect(namesOf()).toEqual(['multi', 'set', 'get', 'exec']);
  });

  it('that fails inside a transaction makes EXEC a failure', async () => {
    const { url } = await start();
    const { client, events } = await open({ url });
    await client.multi().set('a', 'text').lpush('a', 1).exec();
    const exec = events.find(({ command }) => command === 'exec');
    expect(exec?.failure?.kind).toBe('command');
  });

  it('is announced once for a script that the server did not know', async () => {
    const { url } = await start();
    const { client, events } = await open({ url });
    const script = new RedisScript('return redis.call("GET", KEYS[1])');
    await script.run(client, ['a'], []);
    await script.run(client, ['a'], []);
    expect(events.map(facts)).toEqual([
      ['eval', 'a', undefined],
      ['evalsha', 'a', undefined],
    ]);
  });

  it('is no failure if it runs a script of `defineCommand` that the server has forgotten', async () => {
    const { url } = await start();
    const { client, events } = await open({ url });
    client.defineCommand('read', { lua: 'return redis.call("GET", KEYS[1])', numberOfKeys: 1 });
    const { read } = client as unknown as { read(this: unknown, key: string): Promise<unknown> };
    await read.call(client, 'a');
    await client.script('FLUSH');
    await read.call(client, 'a');
    expect(events.map(facts)).toEqual([
      ['eval', 'a', undefined],
      ['script', undefined, undefined],
      ['eval', 'a', undefined],
    ]);
  });

  it('says whether it was asked to wait, and how long it did', async () => {
    const { url } = await start();
    const { client, events, registry } = await open({ url });
    await client.blpop('list', 0.05);
    const waiting = client.blpop('list', 0); // for ever
    const other = await registry.open(resolveOptions({ startup: 'require', url }, 'other'));
    await other.lpush('list', 'x');
    await waiting;
    expect(events).toEqual([
      expect.objectContaining({ command: 'blpop', isBlocking: true }),
      expect.objectContaining({ command: 'blpop', isBlocking: true }),
    ]);
    for (const { durationMs } of events) expect(durationMs).toBeGreaterThan(0);
  });

  it("is announced if it is a caller's own script that the server does not know", async () => {
    const { url } = await start();
    const { client, events } = await open({ url });
    await caught(client.evalsha('0'.repeat(40), 1, 'a'));
    expect(events.map(facts)).toEqual([['evalsha', 'a', 'command']]);
  });

  it('is announced if it waits for the first connection, whatever its name', async () => {
    const proxy = await startFaultProxy(await start());
    cleanups.push(() => proxy.stop());
    await proxy.cut();
    const { host, port } = proxy;
    const { client, namesOf, events } = await open({
      host,
      port,
      startup: 'background',
      commandTimeout: '100ms',
    });
    await Promise.all([caught(client.info()), caught(client.select(1)), caught(client.get('a'))]);
    expect(namesOf()).toEqual(['info', 'select', 'get']);
    expect(events.map(({ failure }) => failure?.kind)).not.toContain(undefined);
  });

  it('is no failure if it is interrupted by the end of the application', async () => {
    const { url } = await start();
    const { client, events, registry } = await open({ url, shutdownTimeout: '100ms' });
    const waiting = caught(client.blpop('list', 0));
    await registry.closeAll();
    await waiting;
    expect(events.filter(({ failure }) => failure)).toEqual([]);
    expect(events.map(({ command }) => command)).not.toContain('quit');
  });

  it('of a name that nobody knows is called other, whatever it is', async () => {
    const { url } = await start();
    const { client, namesOf } = await open({ url });
    for (let i = 0; i < 50; i++) await caught(client.call(`SECRET${i}`, 'x'));
    expect(new Set(namesOf())).toEqual(new Set(['other']));
    await client.call('GeT', 'a');
    expect(namesOf().at(-1)).toBe('get');
  });

  it('is announced in the context of its caller', async () => {
    const { url } = await start();
    const { client, telemetry } = await open({ url });
    const requests = new AsyncLocalStorage<number>();
    const seen = new Map<string | undefined, unknown>();
    telemetry.subscribe({
      command: (event) => {
        event.within(() => seen.set(event.key, requests.getStore()));
      },
    });
    const calls = [1, 2, 3].map((i) => requests.run(i, () => client.get(`key ${i}`)));
    await Promise.all(calls);
    expect([...seen]).toEqual([
      ['key 1', 1],
      ['key 2', 2],
      ['key 3', 3],
    ]);
  });

  it('ends as ever if a listener throws', async () => {
    const { url } = await start();
    const { client, telemetry } = await open({ url });
    const warn = jest.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
    cleanups.push(() => {
      warn.mockRestore();
      return Promise.resolve();
    });
    telemetry.subscribe({
      command: () => {
        throw new Error('a broken listener');
      },
    });
    expect(await client.set('a', 1)).toBe('OK');
    expect(warn).toHaveBeenCalledWith(
      expect.stringContaining('a broken listener'),
      expect.objectContaining({ detail: expect.stringContaining('at ') }),
    );
  });

  it('costs no report when nobody listens', async () => {
    const { url } = await start();
    const telemetry = new Telemetry();
    const registry = new Connections(telemetry);
    cleanups.push(() => registry.closeAll());
    const client = await registry.open(resolveOptions({ startup: 'require', url }));
    await client.set('a', 1);
    const late: unknown[] = [];
    const reply = client.get('a');
    telemetry.subscribe({ command: (event) => late.push(event) });
    expect(await reply).toBe('1');
    expect(late).toEqual([]);
  });
});

describeWithRealRedis('a command in a cluster', () => {
  it('is announced as failed if nobody follows its redirection', async () => {
    const cluster = await startCluster();
    cleanups.push(() => cluster.stop());
    const [node] = cluster.primaries;
    const { client, events } = await open({ url: node?.url ?? '' });
    const keys = Array.from({ length: 20 }, (_, i) => `key ${i}`);
    const failures = await Promise.all(keys.map((key) => client.get(key).catch(() => 'failed')));
    expect(failures).toContain('failed');
    expect(events.filter(({ failure }) => failure)).toHaveLength(
      failures.filter((reply) => reply === 'failed').length,
    );
  });

  it('is announced once, however often it was redirected', async () => {
    const cluster = await startCluster();
    cleanups.push(() => cluster.stop());
    const { client, events } = await open({
      clusterNodes: cluster.nodes.map(({ host, port }) => ({ host, port })),
    });
    await Promise.all(['a', 'b', 'c', 'd'].map((key) => client.set(key, 1)));
    const written = events.map(facts).sort();
    expect(written).toEqual(['a', 'b', 'c', 'd'].map((key) => ['set', key, undefined]));
    events.length = 0;
    misleadAboutSlots(client as Cluster);
    await client.get('a');
    expect(events.map(facts)).toEqual([['get', 'a', undefined]]);
  });
});

/** Every slot is now looked for where the first one is. */
function misleadAboutSlots(client: Cluster): void {
  const { slots } = client as unknown as { slots: string[][] };
  const [first] = slots;
  if (first) for (let i = 0; i < slots.length; i++) slots[i] = first;
}

@RedisEntity({ kind: 'note', ttl: '1h' })
class Note {
  @EntityId() id!: string;
}

describe('what the library does for its callers', () => {
  it('is announced under the name of the method, with what it threw', async () => {
    const { url } = await start();
    const { client, telemetry } = await open({ url });
    const events: OperationEvent[] = [];
    const listen = (event: OperationEvent) => events.push(event);
    telemetry.subscribe({ batch: listen, repository: listen });
    const keys = new KeyBuilder({ app: 'test', environment: 'announcements' });
    const notes = new RedisRepository(client, keys, Note);
    const batch = new RedisBatch(client);
    await notes.save({ id: '1' });
    await notes.getById('1');
    await batch.getAll(['a']);
    const error = await caught(batch.getAll(['']));
    expect(events).toEqual([
      expect.objectContaining({ type: 'repository', kind: 'note', operation: 'save' }),
      expect.objectContaining({ type: 'repository', operation: 'getById', connection: 'main' }),
      expect.objectContaining({ type: 'batch', operation: 'getAll', connection: 'main' }),
      expect.objectContaining({ type: 'batch', operation: 'getAll', error }),
    ]);
    expect(events.map(({ durationMs }) => durationMs > 0)).not.toContain(false);
  });

  it('includes lending connections, and refusing to', async () => {
    const { url } = await start();
    const { registry, resolved, client, telemetry } = await open({
      url,
      maxConnections: 1,
      acquireTimeout: '300ms',
    });
    const events: PoolEvent[] = [];
    const listen = (event: PoolEvent) => events.push(event);
    telemetry.subscribe({ 'pool.acquire': listen, 'pool.release': listen });
    const pool = registry.createPool(client, resolved);
    expect(registry.injected.get('main')).toMatchObject({ client, pool });
    const lent = await pool.acquire();
    await (lent.client as Redis).get('a');
    const error = await caught(pool.acquire());
    const released = new Promise((resolve) => telemetry.subscribe({ 'pool.release': resolve }));
    lent.release();
    await released;
    expect(events).toEqual([
      expect.objectContaining({ type: 'pool.acquire', inUse: 1 }),
      expect.objectContaining({ type: 'pool.acquire', inUse: 1, error }),
      expect.objectContaining({ type: 'pool.release', inUse: 0, reused: true }),
    ]);
  });
});

describeWithRealRedis('what ioredis would write to the console', () => {
  const warnings = (telemetry: Telemetry) => {
    const heard: string[] = [];
    telemetry.subscribe({ 'connection.warning': ({ about }) => heard.push(about) });
    return heard;
  };

  it('is announced instead where INFO is forbidden, and the connection is ready', async () => {
    const written = jest.spyOn(console, 'warn');
    const guest = ['--user', 'guest', 'on', '>pw', '~*', '+@all', '-info'];
    const { host, port } = await start({ args: guest });
    const telemetry = new Telemetry();
    const heard = warnings(telemetry);
    const login = { username: 'guest', password: 'pw' };
    const { client, events } = await open({ host, port, ...login }, 'main', telemetry);
    expect(heard).toEqual(['info-forbidden']);
    expect(events).toEqual([]);
    await expect(client.info()).rejects.toThrow('NOPERM'); // that of a caller fails as ever
    expect(heard).toHaveLength(1);
    expect(written).not.toHaveBeenCalled();
    written.mockRestore();
  });

  it('is announced instead of a password that is not wanted', async () => {
    const written = jest.spyOn(console, 'warn');
    const { host, port } = await start();
    const telemetry = new Telemetry();
    const heard = warnings(telemetry);
    // HELLO takes any password, and ioredis 5 has no other protocol.
    const isIoredis6 =
      'protocol' in (Redis as unknown as { defaultOptions: object }).defaultOptions;
    const ioredis = isIoredis6 ? ({ protocol: 2 } as const) : {};
    const login = { password: 'not wanted', ioredis };
    const { client } = await open({ host, port, ...login }, 'main', telemetry);
    expect(await client.ping()).toBe('PONG');
    expect(heard).toEqual(['password-not-needed']);
    expect(written).not.toHaveBeenCalled();
    written.mockRestore();
  });
});
