import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { describeWithRealRedis } from '../../../../test/support/real-redis.js';
import type { RedisBatchException } from '../../src/index.js';
import { KeyBuilder } from '../../src/index.js';
import { startCluster, type RedisTestCluster } from '../../src/testing/index.js';
import { waitUntil } from '../../src/testing/wait-until.js';
import { nodeOf } from '../../src/connection/driver/hash-slots.js';
import { listenedCache } from './support/cache-stage.js';
import { caught } from './support/caught.js';
import { useHarmedServer, type CacheOnServer } from './support/harmed-server.js';
import { heldLoader } from './support/latch.js';
import { primariesOf } from './support/primaries.js';
import { openConnection, type OpenConnection } from './support/open-connection.js';
import { SOON_MS, timed } from '../../../../test/support/time.js';

const QUICK = { timeout: '100ms', breakerCooldown: '50ms' } as const;

const call = ({ cache }: CacheOnServer, value: unknown, key = 'x', staleFor?: '1m') =>
  cache.resolve(key, () => value, { tags: ['t'], staleFor });

/** While Redis answers, however busy the machine is. */
const PATIENT = { timeout: '5s' } as const;

const fill = ({ cache }: CacheOnServer, value: unknown, key = 'x') =>
  cache.set(key, value, { tags: ['t'], ...PATIENT });

describeWithRealRedis('An invalidation that Redis does not acknowledge', () => {
  const harmed = useHarmedServer();

  it('rejects within the timeout, naming the tags', async () => {
    const one = await harmed.openThroughProxy(QUICK);
    await fill(one, 'old');
    harmed.proxy.stall();
    const { ms, result } = await timed(() => caught(one.cache.invalidateTags('t', 'u', 5)));
    expect(ms).toBeLessThan(SOON_MS);
    expect(result).toHaveProperty('name', 'RedisBatchException');
    expect(result.message).toContain('invalidateTags');
    const { errors, results } = result as RedisBatchException;
    expect([...errors.keys()]).toEqual(['t', 'u', '5']);
    expect(results.size).toBe(0);
    expect([...errors.values()].map(({ name }) => name)).toEqual(
      Array(3).fill('RedisTimeoutException'),
    );
    expect(one.of('cache.invalidation')).toMatchObject([
      { by: 'tag', count: 3, failed: 3, pending: 0 },
    ]);
    expect(await caught(one.cache.delete('x'))).toHaveProperty('name', 'RedisTimeoutException');
    await harmed.proxy.cut();
    await one.connection.until('connection.down');
    const set = await caught(one.cache.set('x', 'new'));
    expect(set.name).toMatch(/^Redis(Timeout|Connection)Exception$/);
    expect(one.of('cache.failure').map(({ operation }) => operation)).toEqual(
      expect.arrayContaining(['delete', 'set']),
    );
  });

  it('is not followed by a set that has been reported as failed', async () => {
    const [slow, other] = [await harmed.openThroughProxy(QUICK), await harmed.open()];
    await call(other, 'old');
    await slow.cache.set('scripts', 1, { tags: ['known'], ...PATIENT });
    harmed.proxy.stall();
    await caught(slow.cache.set('x', 'outdated', { tags: ['t'] }));
    await other.cache.invalidateTags('t');
    await harmed.proxy.heal();
    await slow.client.ping();
    expect(await other.cache.get('x', { tags: ['t'] })).toBeUndefined();
  });

  it('is repeated by the outbox, and no value that depends on it is served meanwhile', async () => {
    const one = await harmed.openThroughProxy({ ...QUICK, outbox: true });
    const other = await harmed.open();
    const twin = { ...one, ...listenedCache(one.client, harmed.keys, { ...QUICK, name: 'twin' }) };
    await fill(twin, 'old');
    await fill(one, 'old');
    await fill(one, 'old too', 'y');
    harmed.proxy.stall();
    await one.cache.invalidateTags('t');
    expect(await one.cache.delete('untagged')).toBe(false);
    expect(one.of('cache.invalidation').map(({ pending, failed }) => [pending, failed])).toEqual([
      [1, 0],
      [2, 0],
    ]);
    expect((await call(other, 'no')).value).toBe('old'); // only this process knows
    expect((await call(twin, 'newer')).value).toBe('newer'); // all of it does
    await harmed.proxy.heal();
    await waitUntil('it is delivered', async () => {
      const { value, status } = await call(one, 'new');
      expect([value, status]).toEqual(['new', expect.stringMatching(/miss|bypass|hit/)]);
      return one.of('cache.invalidation').at(-1)?.pending === 0;
    });
    await waitUntil('all have it', async () => (await call(other, 'new')).value === 'new');
    expect((await call(other, 'new too', 'y')).value).toBe('new too');
    expect(await one.cache.close()).toBe(0);
  });

  it('is known to hits, stale hits and running loads', async () => {
    const one = await harmed.openThroughProxy({ ...QUICK, outbox: true, jitter: 0 });
    const shortly = { tags: ['t'], ttl: '1ms', staleFor: '1h' } as const;
    await one.cache.set('x', 'old', { ...shortly, ...PATIENT });
    await fill(one, 'old', 'y');
    await fill(one, 'old', 'deleted');
    const { hasRead, load, finish } = heldLoader(() => 'old');
    const loading = one.cache.getOrLoad('z', load, { tags: ['t'], timeout: '1s' });
    await hasRead;
    const stale = { tags: ['t'], staleFor: '1m', ...PATIENT } as const;
    await waitUntil(
      'it is stale',
      async () => (await one.cache.resolve('x', () => 'no', stale)).status === 'stale',
    );
    await one.client.call('CLIENT', 'PAUSE', '60000', 'WRITE'); // reads are answered
    await one.cache.invalidateTags('t');
    await one.cache.delete('deleted');
    expect((await call(one, 'new', 'y')).value).toBe('new');
    expect((await call(one, 'new', 'x', '1m')).value).toBe('new');
    expect((await call(one, 'new', 'deleted')).value).toBe('new');
    const late = call(one, 'new', 'z');
    finish();
    expect(await loading).toBe('old');
    expect((await late).value).toBe('new');
    await (await harmed.open()).client.call('CLIENT', 'UNPAUSE');
    await waitUntil('all is delivered', async () => (await one.cache.close()) === 0);
  });

  it('is reported as lost by close() without a long wait', async () => {
    const one = await harmed.openThroughProxy({ ...QUICK, outbox: true });
    harmed.proxy.stall();
    await one.cache.invalidateTags('a', 'b');
    await one.cache.delete('x');
    const { ms, result } = await timed(() => one.cache.close());
    expect(result).toBe(3);
    expect(ms).toBeLessThan(SOON_MS);
  });

  it('that close() has lost is still respected by this process', async () => {
    const one = await harmed.openThroughProxy({ ...QUICK, outbox: true });
    const other = await harmed.open();
    await fill(one, 'old');
    await fill(one, 'untouched', 'y');
    await one.client.call('CLIENT', 'PAUSE', '60000', 'WRITE'); // what is not sent cannot come late
    harmed.proxy.stall();
    await one.cache.delete('x');
    expect(await one.cache.close()).toBe(1);
    await harmed.proxy.cut();
    await other.client.call('CLIENT', 'UNPAUSE');
    await harmed.proxy.heal();
    await waitUntil('Redis answers', async () => (await call(one, 'no', 'y')).status === 'hit');
    expect((await call(other, 'no')).value).toBe('old'); // Redis does not know of the invalidation
    for (const value of ['new', 'newer']) expect((await call(one, value)).value).toBe(value);
    expect(await one.cache.get('x', { tags: ['t'] })).toBeUndefined();
  });
});

describeWithRealRedis('An invalidation in a cluster that has lost a node', () => {
  let cluster: RedisTestCluster;
  let connection: OpenConnection;
  beforeAll(async () => {
    cluster = await startCluster({ replicas: false });
    const clusterNodes = cluster.nodes.map(({ host, port }) => ({ host, port }));
    connection = await openConnection({ clusterNodes, shutdownTimeout: '100ms' });
    for (const node of primariesOf(connection.client)) {
      await node.config('SET', 'cluster-require-full-coverage', 'no');
    }
  });
  afterAll(async () => {
    await connection.close();
    await cluster.stop();
  });

  it('names exactly the tags on that node', async () => {
    const { client } = connection;
    const keys = new KeyBuilder({ app: 'test', environment: 'partial' });
    const { cache } = listenedCache(client, keys, { timeout: '2s' });
    const tags = Array.from({ length: 12 }, (_, i) => `tag ${i}`);
    for (const tag of tags) await cache.getOrLoad([tag], () => 'old', { tags: [tag] });
    const dead = `${cluster.nodes[0]?.host}:${cluster.nodes[0]?.port}`;
    const lost = tags.filter((tag) => nodeOf(client, keys.tagKey(tag)) === dead);
    expect(lost.length).toBeGreaterThan(0);
    await cluster.nodes[0]?.kill();
    const { ms, result } = await timed(() => caught(cache.invalidateTags(...tags)));
    const { name, errors, results } = result as RedisBatchException;
    expect([name, [...errors.keys()].sort()]).toEqual(['RedisBatchException', lost.sort()]);
    expect(results.size).toBe(tags.length - lost.length);
    expect(ms).toBeLessThan(SOON_MS);
    for (const tag of tags) {
      const { value } = await cache.resolve([tag], () => 'new', { tags: [tag] });
      expect(value).toBe('new');
    }
  });
});
