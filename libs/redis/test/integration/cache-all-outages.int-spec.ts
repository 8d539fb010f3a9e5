import { describe, expect, it, jest } from '@jest/globals';
import type { Command } from 'ioredis';
import { Redis } from 'ioredis';
import { KeyBuilder, RedisConnectionException, RedisTimeoutException } from '../../src/index.js';
import type { RedisCacheOptions } from '../../src/cache/cache-options.js';
import type { RedisClient } from '../../src/connection/options/options.js';
import { describeWithRealRedis } from '../../../../test/support/real-redis.js';
import { pass, SOON_MS, timed } from '../../../../test/support/time.js';
import { listenedCache } from './support/cache-stage.js';
import { caught } from './support/caught.js';
import { useHarmedServer } from './support/harmed-server.js';
import { recordCommands } from './support/record-commands.js';

const QUICK = { timeout: '100ms', breakerThreshold: 1_000 } as const;

const names = (count: number) => Array.from({ length: count }, (_, i) => `key-${i}`);

function quickLoader() {
  const loader = jest.fn((missing: string[]) => new Map(missing.map((key) => [key, `of ${key}`])));
  return { loader, asked: () => loader.mock.calls.map(([missing]) => missing) };
}

/** Does something right before a client sends the first of its scripts. */
function beforeFirstScript(client: RedisClient, act: () => void): void {
  const send = client.sendCommand.bind(client);
  let isFirst = true;
  client.sendCommand = (command: Command, ...rest: never[]) => {
    if (isFirst && command.name.startsWith('eval')) {
      isFirst = false;
      act();
    }
    return send(command, ...rest);
  };
}

describe('Without a connection, on one server, getOrLoadAll', () => {
  const keys = new KeyBuilder({ app: 'test', environment: 'all' });
  const withoutRedis = (options: RedisCacheOptions = {}) => {
    const client = new Redis({ port: 1, lazyConnect: true, retryStrategy: () => null });
    client.on('error', () => undefined);
    client.disconnect();
    return listenedCache(client, keys, { loadTimeout: '4s', ...options });
  };

  it('loads all keys with one call, which needs one free place', async () => {
    const { cache, of } = withoutRedis({ maxLoads: 1 });
    const { loader, asked } = quickLoader();
    const { ms, result } = await timed(() => cache.getOrLoadAll(names(300), loader));
    expect([...result.keys()]).toEqual(names(300));
    expect(asked()).toEqual([names(300)]);
    expect(ms).toBeLessThan(SOON_MS);
    expect(new Set(of('cache.request').map(({ result }) => result))).toEqual(new Set(['bypass']));
  });

  it('waits for one place, and gives it back', async () => {
    const { cache } = withoutRedis({ maxLoads: 2 });
    let running = 0;
    let most = 0;
    const load = async (missing: string[]) => {
      most = Math.max(most, ++running);
      await pass(5);
      running--;
      return new Map(missing.map((key) => [key, key]));
    };
    const call = (i: number) =>
      cache.getOrLoadAll(
        names(10).map((key) => `${key}-${i}`),
        load,
      );
    const single = (i: number) => cache.getOrLoad(['single', i], () => load(['x']).then(() => i));
    await Promise.all(names(12).map((_, i) => (i % 2 === 0 ? call(i) : single(i))));
    expect(most).toBe(2);
    await Promise.all([call(20), call(21)]); // every place was given back
  });

  it('may be nested in loaders, and loaders in it', async () => {
    const { cache } = withoutRedis({ maxLoads: 1 });
    const inner = () => cache.getOrLoadAll(['a', 'b'], quickLoader().loader);
    const found = await cache.getOrLoadAll(['x', 'y'], async (missing) => {
      const [first] = [...(await inner()).values()];
      const single = await cache.getOrLoad(
        'single',
        async () => [...(await inner()).keys()].length,
      );
      return new Map(missing.map((key) => [key, [first, single]]));
    });
    expect([...found.values()]).toEqual([
      ['of a', 2],
      ['of a', 2],
    ]);
  });

  it('shares a load that begins later with callers that waited for a place', async () => {
    const { cache } = withoutRedis({ maxLoads: 1 });
    const blocking = cache.getOrLoad('blocking', () => pass(30).then(() => 1));
    const { loader, asked } = quickLoader();
    const call = cache.getOrLoadAll(['a', 'b'], loader);
    await pass(5); // it waits for its turn
    const single = cache.getOrLoad('b', () => 'loaded twice');
    await Promise.all([blocking, call]);
    expect(await single).toBe('of b');
    expect(asked()).toEqual([['a', 'b']]);
  });

  it('stops waiting for a place after loadTimeout, and names the key', async () => {
    const { cache } = withoutRedis({ maxLoads: 1 });
    const blocking = cache.getOrLoad('blocking', () => pass(150).then(() => 1));
    const { loader } = quickLoader();
    const error = await caught(cache.getOrLoadAll(['a', 'b'], loader, { loadTimeout: '50ms' }));
    expect(error).toMatchObject({ name: 'RedisLoadTimeoutException', waitedFor: 'turn' });
    expect(error.message).toMatch(/:a"/);
    expect(loader).not.toHaveBeenCalled();
    await blocking;
    expect([...(await cache.getOrLoadAll(['a', 'b'], loader)).keys()]).toEqual(['a', 'b']);
  });

  it('rejects if the cache is closed, and loads nothing', async () => {
    const { cache } = withoutRedis({ onOutage: 'closed' });
    const { loader } = quickLoader();
    expect(await caught(cache.getOrLoadAll(['a', 'b'], loader))).toBeInstanceOf(
      RedisConnectionException,
    );
    expect(loader).not.toHaveBeenCalled();
  });
});

describeWithRealRedis('On one server that stops answering', () => {
  const harmed = useHarmedServer();

  const open = async (options: RedisCacheOptions = {}) => {
    const one = await harmed.open({ ...QUICK, ...options });
    // The scripts are known, and two entries are there.
    await one.cache.getOrLoadAll(['key-0', 'key-1'], quickLoader().loader, { timeout: '5s' });
    return one;
  };

  it('while getOrLoadAll reads: it loads all keys with one call after the timeout', async () => {
    const { cache } = await open();
    harmed.server.freeze();
    const { loader, asked } = quickLoader();
    const { ms, result } = await timed(() => cache.getOrLoadAll(names(50), loader));
    expect([...result.keys()]).toEqual(names(50));
    expect(asked()).toEqual([names(50)]);
    expect(ms).toBeLessThan(SOON_MS);
  });

  it('while it reads thousands of keys: the breaker ends the wait of the remaining ones', async () => {
    const { cache, client } = await open({ breakerThreshold: 5, breakerCooldown: '10m' });
    harmed.server.freeze();
    const { loader, asked } = quickLoader();
    const { sent } = recordCommands(client);
    await cache.getOrLoadAll(names(5_000), loader);
    expect(asked().flat()).toEqual(names(5_000));
    expect(new Set(sent.flatMap(({ args }) => args)).size).toBeLessThan(600); // those of the first 500
  });

  it('while it acquires the leases: hits are returned, the other keys are loaded with one call', async () => {
    const one = await open();
    beforeFirstScript(one.client, () => {
      harmed.server.freeze();
    });
    const { loader, asked } = quickLoader();
    const result = await one.cache.getOrLoadAll(names(50), loader);
    expect([...result.keys()]).toEqual(names(50));
    expect(asked()).toEqual([names(50).slice(2)]);
  });

  it('while it loads: it returns the loaded values, and stores nothing', async () => {
    const { cache, of } = await open();
    const { loader } = quickLoader();
    const call = cache.getOrLoadAll(names(50), (missing) => {
      harmed.server.freeze();
      return loader(missing);
    });
    const { ms, result } = await timed(() => call);
    expect([...result.keys()]).toEqual(names(50));
    expect(ms).toBeLessThan(SOON_MS);
    expect(loader).toHaveBeenCalledTimes(1);
    harmed.server.thaw();
    expect(of('cache.request').filter(({ result }) => result === 'miss')).toHaveLength(2 + 48);
  });

  it('at any step: a closed cache rejects with the failure of Redis', async () => {
    const looking = await open({ onOutage: 'closed' });
    harmed.server.freeze();
    const { loader } = quickLoader();
    const read = () => looking.cache.getOrLoadAll(names(50), loader);
    expect(await caught(read())).toBeInstanceOf(RedisTimeoutException);
    harmed.server.thaw();
    const leasing = await open({ onOutage: 'closed' });
    beforeFirstScript(leasing.client, () => {
      harmed.server.freeze();
    });
    expect(await caught(leasing.cache.getOrLoadAll(names(50), loader))).toBeInstanceOf(
      RedisTimeoutException,
    );
    expect(loader).not.toHaveBeenCalled();
  });
});
