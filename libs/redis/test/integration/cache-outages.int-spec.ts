import { expect, it, jest } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import { describeWithRealRedis } from '../../../../test/support/real-redis.js';
import { startReplica } from '../../src/testing/index.js';
import { waitUntil } from '../../src/testing/wait-until.js';
import { caught } from './support/caught.js';
import { fastest, timed, useHarmedServer, type CacheOnServer } from './support/harmed-server.js';
import { recordCommands } from './support/record-commands.js';

/** What a busy machine may take on top. */
const SLACK_MS = 200;

const QUICK = { timeout: '100ms', breakerThreshold: 3, breakerCooldown: '150ms' } as const;

const call = ({ cache }: CacheOnServer, value: unknown, key = 'x') =>
  timed(() => cache.resolve(key, () => value, { tags: ['t'] }));

describeWithRealRedis('RedisCache in an outage', () => {
  const harmed = useHarmedServer();

  it('goes on without a frozen server, then leaves it alone, and comes back by itself', async () => {
    const one = await harmed.open(QUICK);
    await call(one, 'old');
    harmed.server.freeze();
    for (let i = 0; i < 3; i++) {
      const { ms, result } = await call(one, `without ${i}`);
      expect(result).toMatchObject({ value: `without ${i}`, status: 'bypass' });
      expect(ms).toBeLessThan(100 + SLACK_MS);
    }
    expect(one.of('cache.breaker')).toMatchObject([{ state: 'open' }]);
    const ms = await fastest(async () => {
      for (let i = 0; i < 50; i++) expect((await call(one, i)).result.value).toBe(i);
    });
    expect(ms).toBeLessThan(250);
    harmed.server.thaw();
    await waitUntil(
      'the cache is back',
      async () => (await call(one, 'new')).result.status === 'hit',
    );
    expect(one.of('cache.breaker').map(({ state }) => state)).toEqual(['open', 'closed']);
    expect((await call(one, 'new')).result.value).toBe('old'); // nobody has invalidated it
  });

  it('lets one call try while the breaker is open, and no other', async () => {
    const one = await harmed.open(QUICK);
    await call(one, 'old');
    harmed.server.freeze();
    for (let i = 0; i < 3; i++) await call(one, i);
    await sleep(200);
    const { sent } = recordCommands(one.client);
    const calls = await Promise.all(Array.from({ length: 20 }, (_, i) => call(one, i, `k${i}`)));
    expect(calls.filter(({ ms }) => ms >= 80)).toHaveLength(1);
    expect(sent.filter(({ name }) => name === 'mget').map(({ args }) => args.length)).toEqual([2]);
    expect(one.of('cache.breaker')).toHaveLength(1);
  });

  it('bypasses at once what is killed, and is back once it is restarted', async () => {
    const one = await harmed.open({ ...QUICK, breakerThreshold: 1_000 });
    await call(one, 'old');
    await harmed.server.kill();
    await one.connection.until('connection.down');
    const ms = await fastest(async () => {
      for (let i = 0; i < 50; i++) {
        expect((await call(one, i)).result).toMatchObject({ value: i, status: 'bypass' });
      }
    });
    expect(ms).toBeLessThan(250);
    expect(one.of('cache.failure')[0]?.error.name).toBe('RedisConnectionException');
    await harmed.server.restart();
    await one.connection.until('connection.ready', 2);
    expect((await call(one, 'new')).result).toMatchObject({ value: 'new', status: 'miss' });
    expect((await call(one, 'newer')).result).toMatchObject({ value: 'new', status: 'hit' });
  });

  it.each([30, 60, 90, 150])(
    'waits no longer than its timeout for all that takes %d ms',
    async (ms) => {
      const one = await harmed.openThroughProxy({ timeout: '100ms', breakerThreshold: 1_000 });
      await call(one, 'first', 'scripts are known now');
      harmed.proxy.delay(ms);
      let n = 0;
      const quick = async () => {
        const key = `quick ${++n}`;
        expect((await call(one, key, key)).result.value).toBe(key);
      };
      expect(await fastest(quick)).toBeLessThan(100 + 60);
      const slow = () => one.cache.getOrLoad(['slow', ++n], () => sleep(100, 'value'));
      expect(await fastest(slow)).toBeLessThan(100 + 100 + 60);
      expect(one.of('cache.breaker')).toEqual([]);
    },
  );

  it('fills although it took too long to wait for that', async () => {
    const one = await harmed.openThroughProxy({ timeout: '100ms' });
    await call(one, 'first', 'scripts are known now');
    harmed.proxy.delay(40);
    await call(one, 'value');
    await waitUntil(
      'the entry is there',
      async () => (await call(one, 'other')).result.status === 'hit',
    );
    expect((await call(one, 'other')).result.value).toBe('value');
  });

  it('goes on without a network that stalls, for everybody at once', async () => {
    const one = await harmed.openThroughProxy(QUICK);
    await call(one, 'old');
    harmed.proxy.stall();
    const { ms, result } = await timed(() =>
      Promise.all(Array.from({ length: 200 }, (_, i) => call(one, i, `k${i % 20}`))),
    );
    expect(ms).toBeLessThan(100 + 2 * SLACK_MS);
    expect(new Set(result.map(({ result: { status } }) => status))).toEqual(new Set(['bypass']));
    await harmed.proxy.heal();
    await waitUntil(
      'the cache is back',
      async () => (await call(one, 'new')).result.status === 'hit',
    );
  });

  it('serves nothing that was invalidated while it was away', async () => {
    const [away, other] = [await harmed.openThroughProxy(QUICK), await harmed.open()];
    await call(away, 'old');
    await harmed.proxy.cut();
    await away.connection.until('connection.down');
    await other.cache.invalidateTags('t');
    expect((await call(away, 'new')).result).toMatchObject({ value: 'new', status: 'bypass' });
    await harmed.proxy.heal();
    await away.connection.until('connection.ready', 2);
    await waitUntil('the cache is back', async () => {
      const { result } = await call(away, 'new');
      expect(result.value).toBe('new');
      return result.status === 'hit';
    });
  });

  it('does not take a process that was busy for a server that is away', async () => {
    const one = await harmed.open({ ...QUICK, breakerThreshold: 1 });
    await call(one, 'value');
    const { sent } = recordCommands(one.client);
    for (let i = 0; i < 3; i++) {
      sent.length = 0;
      const calls = Array.from({ length: 10 }, () => call(one, 'other'));
      while (sent.length === 0) await Promise.resolve().then(() => new Promise(setImmediate));
      for (const until = performance.now() + 300; performance.now() < until;);
      for (const { result } of await Promise.all(calls)) {
        expect(result).toMatchObject({ value: 'value', status: 'hit' });
      }
    }
    expect(one.of('cache.breaker')).toEqual([]);
  });

  it('loads without a lease where nothing can be written: full, or read-only', async () => {
    const one = await harmed.open();
    await call(one, 'value');
    await one.client.config('SET', 'maxmemory', '1');
    expect((await call(one, 'new')).result).toMatchObject({ value: 'value', status: 'hit' });
    for (let i = 0; i < 10; i++) {
      expect((await call(one, i, 'y')).result).toMatchObject({ value: i, status: 'bypass' });
    }
    expect(one.of('cache.failure')[0]?.error.name).toBe('RedisOutOfMemoryException');
    expect(one.of('cache.breaker')).toEqual([]); // it answers
    expect(await caught(one.cache.set('y', 1))).toHaveProperty('name', 'RedisOutOfMemoryException');
    await one.cache.invalidateTags('t');
    await one.client.config('SET', 'maxmemory', '0');
    expect((await call(one, 'new')).result).toMatchObject({ value: 'new', status: 'miss' });
  });

  it('gives the lease back when the server became full during the load', async () => {
    const one = await harmed.open();
    const fill = () => one.client.config('SET', 'maxmemory', '1');
    expect(await one.cache.getOrLoad('x', async () => (await fill(), 'value'))).toBe('value');
    await one.client.config('SET', 'maxmemory', '0');
    const { ms, result } = await call(one, 'again');
    expect(result).toMatchObject({ value: 'again', status: 'miss' });
    expect(ms).toBeLessThan(SLACK_MS);
    expect(one.of('cache.load').map(({ outcome }) => outcome)).toEqual(['lost', 'filled']);
  });

  it('reads from a read-only replica, and loads what is not there', async () => {
    const one = await harmed.open();
    await call(one, 'value');
    await using replica = await startReplica(harmed.server);
    const reader = await harmed.open({}, { url: replica.url });
    expect((await call(reader, 'new')).result).toMatchObject({ value: 'value', status: 'hit' });
    expect((await call(reader, 'new', 'y')).result).toMatchObject({ status: 'bypass' });
    expect(await caught(reader.cache.delete('x'))).toHaveProperty(
      'name',
      'RedisUnavailableException',
    );
    expect(reader.of('cache.breaker')).toEqual([]);
  });

  it('loads what is not there after FLUSHALL, also during a load', async () => {
    const one = await harmed.open();
    await call(one, 'old');
    await one.client.flushall();
    expect((await call(one, 'new')).result).toMatchObject({ value: 'new', status: 'miss' });
    const flushed = await one.cache.resolve('y', async () => (await one.client.flushall(), 'old'));
    expect(flushed.value).toBe('old');
    expect((await call(one, 'new', 'y')).result).toMatchObject({ value: 'new', status: 'miss' });
  });

  it('bypasses at once while it has never been connected, and is there when Redis is', async () => {
    await harmed.server.kill();
    const one = await harmed.open({}, { url: harmed.server.url, startup: 'background' });
    const ms = await fastest(async () => {
      for (let i = 0; i < 50; i++) expect((await call(one, i)).result.status).toBe('bypass');
    });
    expect(ms).toBeLessThan(250);
    await harmed.server.restart();
    await one.connection.until('connection.ready');
    await waitUntil(
      'the cache is used',
      async () => (await call(one, 'x')).result.status === 'hit',
    );
  });

  it('never calls the breaker on what it is refused', async () => {
    const one = await harmed.open({ breakerThreshold: 1 });
    const { host, port } = harmed.server;
    await one.client.call(
      'ACL',
      'SETUSER',
      'guest',
      'on',
      '>pw',
      '~*',
      '+@read',
      '+@connection',
      '+info',
    );
    const guest = await harmed.open(
      { breakerThreshold: 1 },
      { host, port, username: 'guest', password: 'pw' },
    );
    await call(one, 'value');
    expect((await call(guest, 'new')).result).toMatchObject({ value: 'value', status: 'hit' });
    for (let i = 0; i < 5; i++) {
      expect((await call(guest, i, 'y')).result).toMatchObject({ value: i, status: 'bypass' });
    }
    expect(guest.of('cache.failure')[0]?.error.name).toBe('RedisPermissionException');
    expect(guest.of('cache.breaker')).toEqual([]);
    await one.client.call('ACL', 'SETUSER', 'guest', 'off');
    await one.client.call('CLIENT', 'KILL', 'USER', 'guest');
    await guest.connection.until('connection.down');
    expect((await call(guest, 'without')).result).toMatchObject({
      value: 'without',
      status: 'bypass',
    });
  });
});

describeWithRealRedis('RedisCache that is closed in an outage', () => {
  const harmed = useHarmedServer();

  it('throws what Redis failed with, and does not load', async () => {
    const one = await harmed.open({ ...QUICK, onOutage: 'closed' });
    const loader = jest.fn(() => 'value');
    harmed.server.freeze();
    for (const name of ['Timeout', 'Timeout', 'Timeout', 'Timeout']) {
      const error = await caught(one.cache.getOrLoad('x', loader));
      expect(error).toHaveProperty('name', `Redis${name}Exception`);
    }
    expect(await caught(one.cache.get('x'))).toHaveProperty('name', 'RedisTimeoutException');
    harmed.server.thaw();
    await harmed.server.kill();
    await waitUntil('it is noticed', async () => one.client.status !== 'ready');
    expect(await caught(one.cache.getOrLoad('x', loader))).toMatchObject({
      name: 'RedisConnectionException',
      code: 'REDIS_CONNECTION',
    });
    expect(loader).not.toHaveBeenCalled();
  });

  it('throws when it cannot have the lease', async () => {
    const one = await harmed.open({ onOutage: 'closed' });
    await one.client.config('SET', 'maxmemory', '1');
    const loader = jest.fn(() => 'value');
    const error = await caught(one.cache.getOrLoad('x', loader));
    expect(error).toHaveProperty('name', 'RedisOutOfMemoryException');
    expect(loader).not.toHaveBeenCalled();
  });
});
