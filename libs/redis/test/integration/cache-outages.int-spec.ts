import { expect, it, jest } from '@jest/globals';
import { describeWithRealRedis } from '../../../../test/support/real-redis.js';
import { startReplica } from '../../src/testing/index.js';
import { waitUntil } from '../../src/testing/wait-until.js';
import { caught } from './support/caught.js';
import { useHarmedServer, type CacheOnServer } from './support/harmed-server.js';
import { recordCommands } from './support/record-commands.js';
import { fastEnough, pass, SOON_MS, timed } from '../../../../test/support/time.js';

const COOLDOWN_MS = 150;

const QUICK = {
  timeout: '100ms',
  breakerThreshold: 3,
  breakerCooldown: `${COOLDOWN_MS}ms`,
} as const;

const call = ({ cache }: CacheOnServer, value: unknown, key = 'x', timeout?: '5s') =>
  timed(() => cache.resolve(key, () => value, { tags: ['t'], timeout }));

/** While Redis answers, however busy the machine is. */
const callPatiently = (one: CacheOnServer, value: unknown, key?: string) =>
  call(one, value, key, '5s');

describeWithRealRedis('RedisCache in an outage', () => {
  const harmed = useHarmedServer();

  it('works without a frozen server, then bypasses it, and recovers by itself', async () => {
    const one = await harmed.open(QUICK);
    await callPatiently(one, 'old');
    harmed.server.freeze();
    for (let i = 0; i < 3; i++) {
      const { ms, result } = await call(one, `without ${i}`);
      expect(result).toMatchObject({ value: `without ${i}`, status: 'bypass' });
      expect(ms).toBeLessThan(SOON_MS);
    }
    expect(one.of('cache.breaker')).toMatchObject([{ state: 'open' }]);
    const { sent } = recordCommands(one.client);
    const { ms } = await timed(async () => {
      for (let i = 0; i < 50; i++) expect((await call(one, i)).result.value).toBe(i);
    });
    expect(ms).toBeLessThan(SOON_MS); // it would be 5 s if each of them tried
    expect(sent.length).toBeLessThanOrEqual(1 + ms / COOLDOWN_MS);
    harmed.server.thaw();
    await waitUntil(
      'the cache is back',
      async () => (await callPatiently(one, 'new')).result.status === 'hit',
    );
    expect(one.of('cache.breaker').map(({ state }) => state)).toEqual(['open', 'closed']);
    expect((await callPatiently(one, 'new')).result.value).toBe('old'); // it was not invalidated
  });

  it('lets one call at a time try Redis while the breaker is open', async () => {
    const one = await harmed.open(QUICK);
    await callPatiently(one, 'old');
    harmed.server.freeze();
    for (let i = 0; i < 3; i++) await call(one, i);
    await pass(COOLDOWN_MS + 10);
    const { sent } = recordCommands(one.client);
    const answered: number[] = [];
    const ask = async (i: number) => {
      await call(one, i, `k${i}`);
      answered.push(i);
    };
    const callers = Array.from({ length: 20 }, (_, i) => i);
    await Promise.all(callers.map(ask));
    expect(answered).toEqual([...callers.slice(1), 0]); // who tries is answered last
    expect(sent.filter(({ name }) => name === 'mget').map(({ args }) => args.length)).toEqual([2]);
    expect(one.of('cache.breaker')).toHaveLength(1);
  });

  it('bypasses a killed server at once, and uses it again after a restart', async () => {
    const one = await harmed.open({ ...QUICK, breakerThreshold: 1_000 });
    await callPatiently(one, 'old');
    await harmed.server.kill();
    await one.connection.until('connection.down');
    const { sent } = recordCommands(one.client);
    const { ms } = await timed(async () => {
      for (let i = 0; i < 50; i++) {
        expect((await call(one, i)).result).toMatchObject({ value: i, status: 'bypass' });
      }
    });
    expect(ms).toBeLessThan(SOON_MS); // it would be 5 s if each of them tried
    expect(sent).toEqual([]);
    expect(one.of('cache.failure')[0]?.error.name).toBe('RedisConnectionException');
    await harmed.server.restart();
    await one.connection.until('connection.ready', 2);
    const { result } = await callPatiently(one, 'new');
    expect(result).toMatchObject({ value: 'new', status: 'miss' });
    const { result: next } = await callPatiently(one, 'newer');
    expect(next).toMatchObject({ value: 'new', status: 'hit' });
  });

  it.each([60, 120, 180, 300])(
    'waits no longer than its timeout for all commands if each takes %d ms',
    async (ms) => {
      const one = await harmed.openThroughProxy({ timeout: '200ms', breakerThreshold: 1_000 });
      await callPatiently(one, 'first', 'scripts are known now');
      harmed.proxy.delay(ms);
      let n = 0;
      const quick = async () => {
        const key = `quick ${++n}`;
        expect((await call(one, key, key)).result.value).toBe(key);
      };
      const [quickMs, slowMs] = [200 + 120, 200 + 100 + 120];
      expect(await fastEnough(quickMs, quick)).toBeLessThan(quickMs);
      const slow = () => one.cache.getOrLoad(['slow', ++n], () => pass(100));
      expect(await fastEnough(slowMs, slow)).toBeLessThan(slowMs);
      expect(one.of('cache.breaker')).toEqual([]);
    },
  );

  it('fills the entry although its caller has stopped waiting', async () => {
    const one = await harmed.openThroughProxy({ timeout: '1s' });
    const other = await harmed.open();
    await callPatiently(one, 'first', 'scripts are known now');
    const load = () => {
      harmed.proxy.delay(60_000); // requests pass, replies do not
      return 'value';
    };
    expect(await one.cache.getOrLoad('x', load, { tags: ['t'] })).toBe('value');
    const filled = one.of('cache.load').filter(({ outcome }) => outcome === 'filled');
    expect(filled).toHaveLength(1); // the first one: it does not know of the other
    const { result } = await call(other, 'other');
    expect(result).toMatchObject({ value: 'value', status: 'hit' });
  });

  it('works without a network that stalls, for all callers at once', async () => {
    const one = await harmed.openThroughProxy({ ...QUICK, breakerThreshold: 1_000 });
    await callPatiently(one, 'old');
    harmed.proxy.stall();
    const { ms, result } = await timed(() =>
      Promise.all(Array.from({ length: 400 }, (_, i) => call(one, i, `k${i % 80}`))),
    );
    expect(ms).toBeLessThan(SOON_MS); // it would be 8 s for one key after the other
    expect(new Set(result.map(({ result: { status } }) => status))).toEqual(new Set(['bypass']));
    await harmed.proxy.heal();
    await waitUntil(
      'the cache is back',
      async () => (await callPatiently(one, 'new')).result.status === 'hit',
    );
  });

  it('serves no value that was invalidated during the outage', async () => {
    const [away, other] = [await harmed.openThroughProxy(QUICK), await harmed.open()];
    await callPatiently(away, 'old');
    await harmed.proxy.cut();
    await away.connection.until('connection.down');
    await other.cache.invalidateTags('t');
    expect((await call(away, 'new')).result).toMatchObject({ value: 'new', status: 'bypass' });
    await harmed.proxy.heal();
    await away.connection.until('connection.ready', 2);
    await waitUntil('the cache is back', async () => {
      const { result } = await callPatiently(away, 'new');
      expect(result.value).toBe('new');
      return result.status === 'hit';
    });
  });

  it('does not take a busy process for a server that is down', async () => {
    const one = await harmed.open({ ...QUICK, breakerThreshold: 1 });
    await callPatiently(one, 'value');
    const { sent } = recordCommands(one.client);
    for (let i = 0; i < 2; i++) {
      sent.length = 0;
      const calls = Array.from({ length: 10 }, () => call(one, 'other'));
      while (sent.length === 0) await Promise.resolve().then(() => new Promise(setImmediate));
      for (const until = performance.now() + 700; performance.now() < until;); // Redis answers meanwhile
      for (const { result } of await Promise.all(calls)) {
        expect(result).toMatchObject({ value: 'value', status: 'hit' });
      }
    }
    expect(one.of('cache.breaker')).toEqual([]);
  });

  it('loads without a lease if Redis is full or read-only', async () => {
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

  it('gives back the lease if the server becomes full during the load', async () => {
    const one = await harmed.open();
    const fill = () => one.client.config('SET', 'maxmemory', '1');
    expect(await one.cache.getOrLoad('x', async () => (await fill(), 'value'))).toBe('value');
    await one.client.config('SET', 'maxmemory', '0');
    const { ms, result } = await call(one, 'again');
    expect(result).toMatchObject({ value: 'again', status: 'miss' });
    expect(ms).toBeLessThan(SOON_MS);
    expect(one.of('cache.load').map(({ outcome }) => outcome)).toEqual(['lost', 'filled']);
  });

  it('reads from a read-only replica, and loads missing values', async () => {
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

  it('loads missing values after FLUSHALL, also during a load', async () => {
    const one = await harmed.open();
    await call(one, 'old');
    await one.client.flushall();
    expect((await call(one, 'new')).result).toMatchObject({ value: 'new', status: 'miss' });
    const flushed = await one.cache.resolve('y', async () => (await one.client.flushall(), 'old'));
    expect(flushed.value).toBe('old');
    expect((await call(one, 'new', 'y')).result).toMatchObject({ value: 'new', status: 'miss' });
  });

  it('bypasses Redis at once before the first connection, and uses it as soon as it is up', async () => {
    await harmed.server.kill();
    const one = await harmed.open({}, { url: harmed.server.url, startup: 'background' });
    const { ms } = await timed(async () => {
      for (let i = 0; i < 50; i++) expect((await call(one, i)).result.status).toBe('bypass');
    });
    expect(ms).toBeLessThan(SOON_MS);
    await harmed.server.restart();
    await one.connection.until('connection.ready');
    await waitUntil(
      'the cache is used',
      async () => (await call(one, 'x')).result.status === 'hit',
    );
  });

  it('never opens the breaker because of refused commands', async () => {
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

describeWithRealRedis('RedisCache with whenUnavailable closed', () => {
  const harmed = useHarmedServer();

  it('throws the failure of Redis, and does not load', async () => {
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
    await waitUntil('it is noticed', () => one.client.status !== 'ready');
    expect(await caught(one.cache.getOrLoad('x', loader))).toMatchObject({
      name: 'RedisConnectionException',
      code: 'REDIS_CONNECTION',
    });
    expect(loader).not.toHaveBeenCalled();
  });

  it('throws if it cannot acquire the lease', async () => {
    const one = await harmed.open({ onOutage: 'closed' });
    await one.client.config('SET', 'maxmemory', '1');
    const loader = jest.fn(() => 'value');
    const error = await caught(one.cache.getOrLoad('x', loader));
    expect(error).toHaveProperty('name', 'RedisOutOfMemoryException');
    expect(loader).not.toHaveBeenCalled();
  });
});
