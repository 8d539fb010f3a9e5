import { afterAll, afterEach, beforeAll, beforeEach, expect, it, jest } from '@jest/globals';
import { nodeOf } from '../../src/connection/driver/hash-slots.js';
import type { RedisClient } from '../../src/connection/options/options.js';
import { KeyBuilder, RedisRepository } from '../../src/index.js';
import { startCluster, type RedisTestCluster } from '../../src/testing/index.js';
import { sendCommand } from '../../src/testing/redis-command.js';
import { waitUntil } from '../../src/testing/wait-until.js';
import { describeWithRealRedis } from '../../../../test/support/real-redis.js';
import type { RedisCacheOptions } from '../../src/cache/cache-options.js';
import { listenedCache } from './support/cache-stage.js';
import { caught } from './support/caught.js';
import { customer, Customer } from './support/customer.js';
import { openConnection, type OpenConnection } from './support/open-connection.js';
import { recordCommands } from './support/record-commands.js';

const FROZEN = 0;
const HEALTHY = [1, 2];

/** Long enough for a healthy server on a busy machine; a frozen one is given up after this. */
const OPTIONS = { timeout: '1s', breakerThreshold: 3, breakerCooldown: '10m' } as const;

describeWithRealRedis('While one node of a cluster is frozen', () => {
  let cluster: RedisTestCluster;
  let connection: OpenConnection;
  let client: RedisClient;
  let keys: KeyBuilder;
  let spaces = 0;
  beforeAll(async () => {
    cluster = await startCluster({ replicas: false });
    // Or the others would refuse everything, too: this is about what the client does.
    for (const node of cluster.nodes) {
      await sendCommand(node, 'CONFIG', 'SET', 'cluster-node-timeout', '600000');
    }
  });
  beforeEach(async () => {
    const clusterNodes = cluster.nodes.map(({ host, port }) => ({ host, port }));
    connection = await openConnection({
      clusterNodes,
      commandTimeout: '1s',
      shutdownTimeout: '100ms',
    });
    ({ client } = connection);
    keys = new KeyBuilder({ app: 'test', environment: `frozen${++spaces}` });
  });
  afterEach(async () => {
    for (const node of cluster.nodes) node.thaw();
    await connection.close();
  });
  afterAll(() => cluster.stop());

  /** Names whose keys are on one node. */
  function namesOn(node: number, count: number, keyOf: (name: string) => string): string[] {
    const { host, port } = cluster.primaries[node] as { host: string; port: number };
    const names: string[] = [];
    for (let i = 0; names.length < count; i++) {
      const name = `${node}-${i}`;
      if (nodeOf(client, keyOf(name)) === `${host}:${port}`) names.push(name);
    }
    return names;
  }
  const entriesOn = (node: number, count: number) =>
    namesOn(node, count, (name) => keys.key('cache', name));
  const tagsOn = (node: number, count: number) => namesOn(node, count, (name) => keys.tagKey(name));
  const freeze = (node: number) => cluster.primaries[node]?.freeze();

  /** A cache that holds an entry for each of these names. */
  async function filled(names: readonly string[], options: RedisCacheOptions = {}) {
    const listened = listenedCache(client, keys, { ...OPTIONS, ...options });
    for (const name of names) await listened.cache.getOrLoad(name, () => name, { timeout: '5s' });
    const statusOf = async (name: string, tags: readonly string[] = []) =>
      (await listened.cache.resolve(name, () => 'loaded', { tags })).status;
    return { ...listened, statusOf };
  }

  it('entities of the other nodes are read at once, also in the same turn of the event loop', async () => {
    const customers = new RedisRepository(client, keys, Customer);
    const idsOn = (node: number) => namesOn(node, 4, (id) => keys.key('customer', id));
    const healthy = HEALTHY.flatMap(idsOn);
    for (const [n, id] of healthy.entries()) await customers.save(customer(n, { id }));
    freeze(FROZEN);
    let isGivenUp = false;
    const frozen = Promise.allSettled(idsOn(FROZEN).map((id) => customers.getById(id)));
    void frozen.then(() => (isGivenUp = true));
    const found = await Promise.all(healthy.map((id) => customers.getById(id)));
    expect(isGivenUp).toBe(false);
    expect(found.map((customer) => customer?.id)).toEqual(healthy);
    for (const { status } of await frozen) expect(status).toBe('rejected');
  });

  it('entries of the other nodes are hits, and only the breaker of the frozen node opens', async () => {
    const frozen = entriesOn(FROZEN, 8);
    const healthy = HEALTHY.flatMap((node) => entriesOn(node, 8));
    const { statusOf, of } = await filled(healthy);
    freeze(FROZEN);
    for (let round = 0; round < 3; round++) {
      const without = frozen.map((name) => statusOf(name));
      const statuses = await Promise.all(healthy.map((name) => statusOf(name)));
      expect(new Set(statuses)).toEqual(new Set(['hit']));
      expect(new Set(await Promise.all(without))).toEqual(new Set(['bypass']));
      expect(of('cache.breaker')).toMatchObject([{ state: 'open' }]);
    }
  });

  it('getOrLoadAll returns the hits of the other nodes, and loads the rest with one call', async () => {
    const healthy = HEALTHY.flatMap((node) => entriesOn(node, 8));
    const frozen = entriesOn(FROZEN, 8);
    const { cache, of } = await filled(healthy.slice(0, 12));
    freeze(FROZEN);
    const loader = jest.fn((missing: string[]) => new Map(missing.map((name) => [name, name])));
    for (let round = 0; round < 2; round++) {
      const found = await cache.getOrLoadAll([...frozen, ...healthy], loader);
      expect([...found.keys()]).toEqual([...frozen, ...healthy]);
    }
    expect(loader.mock.calls.map(([missing]) => missing)).toEqual([
      [...frozen, ...healthy.slice(12)],
      frozen,
    ]);
    expect(of('cache.breaker')).toMatchObject([{ state: 'open' }]);
  });

  it("a tag on the frozen node does not open the breaker of the entry's node", async () => {
    const [healthy] = HEALTHY as [number];
    const [entry, fresh, ...tagged] = entriesOn(healthy, 5) as [string, string, ...string[]];
    const [healthyTag] = tagsOn(healthy, 1) as [string];
    const tags = tagsOn(FROZEN, 1);
    const { cache, statusOf, of } = await filled([entry]);
    for (const name of tagged) await cache.getOrLoad(name, () => name, { tags, timeout: '5s' });
    freeze(FROZEN);
    const statuses = await Promise.all(tagged.map((name) => statusOf(name, tags)));
    expect(new Set(statuses)).toEqual(new Set(['bypass']));
    expect(of('cache.breaker')).toMatchObject([{ state: 'open' }]);
    expect(await statusOf(entry)).toBe('hit');
    expect(await statusOf(fresh, [healthyTag])).toBe('miss');
    const { sent } = recordCommands(client);
    expect(await statusOf(tagged[0] as string, tags)).toBe('bypass');
    expect(sent).toEqual([]); // nor is the node of the entry asked for what is of no use alone
  });

  it('the frozen node is asked again in time by a read from several nodes', async () => {
    const [healthy] = HEALTHY as [number];
    const [entry] = entriesOn(healthy, 1) as [string];
    const tags = tagsOn(FROZEN, 1);
    const { cache, statusOf, of } = await filled([], { breakerCooldown: '1ms', timeout: '300ms' });
    await cache.getOrLoad(entry, () => 'value', { tags, timeout: '5s' });
    freeze(FROZEN);
    await Promise.all(Array.from({ length: 3 }, () => statusOf(entry, tags)));
    expect(of('cache.breaker')).toMatchObject([{ state: 'open' }]);
    cluster.primaries[FROZEN]?.thaw();
    await waitUntil('it is back', async () => (await statusOf(entry, tags)) === 'hit');
    expect(of('cache.breaker').map(({ state }) => state)).toEqual(['open', 'closed']);
  });

  it('invalidations in the outbox reach the other nodes', async () => {
    const [healthy] = HEALTHY as [number];
    const { cache } = await filled([], { outbox: true, timeout: '200ms' });
    const [entry] = entriesOn(healthy, 1) as [string];
    const tags = tagsOn(healthy, 1);
    freeze(FROZEN);
    freeze(healthy);
    await cache.invalidateTags(...tagsOn(FROZEN, 20), ...tags);
    cluster.primaries[healthy]?.thaw();
    await waitUntil('nothing is held back there any more', async () => {
      return (await cache.resolve(entry, () => 'value', { tags, timeout: '5s' })).status === 'hit';
    });
  });

  it('a change is made, invalidates on the other nodes, and names the keys on the frozen node that may be old', async () => {
    const [healthy = '', frozen = ''] = [...tagsOn(1, 1), ...tagsOn(FROZEN, 1)];
    const [name = ''] = entriesOn(2, 1);
    const { cache } = listenedCache(client, keys, OPTIONS);
    let source = 'old';
    const load = () => cache.resolve(name, () => source, { tags: [healthy], timeout: '5s' });
    await load();
    freeze(FROZEN);
    const made = cache.change({ tags: [healthy, frozen], keys: [name] }, async () => {
      expect(await load()).toMatchObject({ value: 'old', status: 'miss' });
      source = 'new';
    });
    const failure = await caught(made);
    expect(failure).toMatchObject({ name: 'RedisInvalidationException', tags: [frozen], keys: [] });
    expect(await load()).toMatchObject({ value: 'new', status: 'miss' });
    expect(await load()).toMatchObject({ value: 'new', status: 'hit' });
  });
});
