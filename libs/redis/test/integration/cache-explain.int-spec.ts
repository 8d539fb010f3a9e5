/** `cache.explain`: says of each key what a `getOrLoad` does with it now, and why, and changes nothing. */
import { onTrackingServers } from './support/near-stage.js';
import { describe, expect, it, jest } from '@jest/globals';
import type { CacheSerializer } from '../../src/index.js';
import { siblingOf } from '../../src/keys/sibling.js';
import { describeWithRealRedis } from '../../../../test/support/real-redis.js';
import { eventually, pass } from '../../../../test/support/time.js';
import { listenedCache } from './support/cache-stage.js';
import { useHarmedServer, type CacheOnServer } from './support/harmed-server.js';
import { heldLoader } from './support/latch.js';
import { onEmbeddedServer, onEveryTopology, type Stage } from './support/repository-servers.js';

const NEAR = { near: { maxBytes: 2 ** 20, staleness: '2s' } } as const;

const SECRET = 'a value that no explanation may have';
const load = () => ({ secret: SECRET });
const TAGGED = { tags: ['a', 'b'] } as const;

const suite = (stage: Stage) => {
  const started = (options = {}) => {
    const keys = stage.keys();
    const key = keys.key('cache', 'x');
    return { client: stage.client, keys, key, ...listenedCache(stage.client, keys, options) };
  };

  describe('An explanation', () => {
    it('of a hit says what is stored, how long, and that nothing has changed', async () => {
      const { cache, key } = started({ ttl: '1h', jitter: 0 });
      await cache.getOrLoad('x', load, TAGGED);
      const explanation = await cache.explain('x', TAGGED);
      expect(explanation).toMatchObject({
        key,
        verdict: 'hit',
        entry: { state: 'stored', kind: 'value', serializer: 'json' },
        dependencies: [
          { kind: 'tag', name: 'a', isNamed: true, isStored: true, isSame: true, writers: [] },
          { kind: 'tag', name: 'b', isNamed: true, isStored: true, isSame: true, writers: [] },
        ],
        lease: { state: 'free' },
        isBypassed: false,
        outbox: { pending: 0, isAboutEntry: false },
        near: { isOn: false },
      });
      const { entry, at } = explanation;
      expect((entry.freshUntil ?? 0) - (entry.loadedAt ?? 0)).toBe(3_600_000);
      expect(entry.ttlMs).toBeGreaterThan(3_000_000);
      expect(entry.loadedAt).toBeLessThanOrEqual(at + 1);
      expect(explanation).not.toHaveProperty('failure');
      expect(explanation.text).toMatch(/^key: .*\nverdict: +hit\. /);
    });

    it('of a miss says that nothing is stored', async () => {
      const { cache } = started();
      expect(await cache.explain('x', TAGGED)).toMatchObject({
        verdict: 'miss',
        reason: 'Nothing is stored.',
        entry: { state: 'absent' },
        dependencies: [{ isStored: false }, { isStored: false }],
      });
    });

    it('names the tag that was invalidated, and the one that the entry does not have', async () => {
      const { cache } = started();
      await cache.getOrLoad('x', load, TAGGED);
      const other = await cache.explain('x', { tags: ['c'] });
      expect(other).toMatchObject({ verdict: 'miss', reason: expect.stringContaining('"c"') });
      await cache.invalidateTags('b');
      const after = await cache.explain('x', TAGGED);
      expect(after).toMatchObject({ verdict: 'miss', reason: expect.stringContaining('tag "b"') });
      expect(after.dependencies.map(({ isSame }) => isSame)).toEqual([true, false]);
      expect(after.text).toContain('none now');
    });

    it('knows dependencies that the call does not name', async () => {
      const { cache } = started();
      await cache.getOrLoad('x', load, TAGGED);
      const whole = await cache.explain('x');
      expect(whole).toMatchObject({
        verdict: 'hit',
        dependencies: [{ name: 'a', isNamed: false }, { name: 'b' }],
      });
      await cache.invalidateTags('a');
      expect(await cache.explain('x')).toMatchObject({ verdict: 'miss' });
      expect((await cache.explain('x')).dependencies[0]).toMatchObject({ isSame: false });
    });

    it('of a stale value says so, and tells one that is too old from one that is kept for failures', async () => {
      const { cache } = started({ ttl: '40ms', staleFor: '1h', jitter: 0 });
      await cache.getOrLoad('x', load);
      await pass(60);
      expect(await cache.explain('x')).toMatchObject({ verdict: 'stale' });
      const late = await cache.explain('x', { staleFor: '1ms', failSafe: '1h' });
      expect(late).toMatchObject({
        verdict: 'miss',
        reason: expect.stringMatching(/fresh any more.*if the loader fails/),
      });
    });

    it('of a change that is being made names its writers: of a tag, and of the key', async () => {
      const { cache } = started();
      await cache.getOrLoad('x', load, TAGGED);
      await cache.change({ tags: ['a'] }, async () => {
        const explanation = await cache.explain('x', TAGGED);
        expect(explanation).toMatchObject({ verdict: 'being-changed' });
        const [writer] = explanation.dependencies[0]?.writers ?? [];
        expect(writer).toBeGreaterThan(explanation.at);
      });
      await cache.change({ keys: ['x'] }, async () => {
        expect(await cache.explain('x', TAGGED)).toMatchObject({
          verdict: 'being-changed',
          lease: { state: 'being-changed', writers: [expect.any(Number)] },
        });
      });
      expect(await cache.explain('x', TAGGED)).toMatchObject({ verdict: 'miss' });
    });

    it('of a load that is under way says who waits for whom', async () => {
      const { cache } = started();
      const loader = heldLoader(load);
      const loading = cache.getOrLoad('x', loader.load, TAGGED);
      await loader.hasRead;
      const explanation = await cache.explain('x', TAGGED);
      expect(explanation).toMatchObject({
        verdict: 'miss',
        reason: 'Nothing is stored. A load is under way: a call waits for it.',
        lease: { state: 'held', ttlMs: expect.any(Number) },
      });
      loader.finish();
      await loading;
    });

    it('of what is no entry says so: another type, a text, a damaged entry, another serializer', async () => {
      const { cache, client, key } = started();
      await client.hset(key, 'secret', SECRET);
      expect(await cache.explain('x')).toMatchObject({
        verdict: 'miss',
        entry: { state: 'foreign' },
      });
      await client.del(key);
      await client.set(key, SECRET);
      expect(await cache.explain('x')).toMatchObject({
        verdict: 'miss',
        entry: { state: 'damaged' },
      });
      await client.del(key);
      await cache.getOrLoad('x', load);
      const stored = (await client.getBuffer(key)) ?? Buffer.alloc(0);
      await client.set(key, stored.subarray(0, stored.length - 1));
      expect(await cache.explain('x')).toMatchObject({
        verdict: 'miss',
        reason: 'Its serializer cannot read what is stored.',
      });
      const other: CacheSerializer<unknown> = {
        name: 'other',
        serialize: String,
        deserialize: String,
      };
      expect(await cache.explain('x', { serializer: other })).toMatchObject({
        verdict: 'miss',
        reason: expect.stringContaining('"other"'),
      });
      await cache.set<unknown>('y', load(), { serializer: other });
      expect(await cache.explain('y')).toMatchObject({ verdict: 'hit' });
    });

    it('of null says that there is none', async () => {
      const { cache } = started({ negativeTtl: '1h' });
      await cache.getOrLoad('x', () => null);
      expect(await cache.explain('x')).toMatchObject({ verdict: 'hit', entry: { kind: 'null' } });
    });

    it('compares the content of a key, and shows no fingerprint of it', async () => {
      const { cache, client, keys } = started();
      const source = keys.key('source', 1);
      await client.set(source, SECRET);
      const options = { dependsOn: [source] };
      await cache.getOrLoad('x', load, options);
      const before = await cache.explain('x', options);
      expect(before).toMatchObject({
        verdict: 'hit',
        dependencies: [{ kind: 'key', name: source, isSame: true }],
      });
      expect(before.dependencies[0]).not.toHaveProperty('stored');
      await client.set(source, 'other');
      expect(await cache.explain('x', options)).toMatchObject({ verdict: 'miss' });
    });

    it('understands names of any content', async () => {
      const { cache } = started();
      const name = 'a:b{c}*%\n"ü';
      const options = { tags: [name] };
      await cache.getOrLoad([name, 5], load, options);
      for (const given of [options, {}]) {
        const { verdict, dependencies, text } = await cache.explain([name, 5], given);
        expect(verdict).toBe('hit');
        expect(dependencies).toMatchObject([{ kind: 'tag', name, isSame: true }]);
        expect(text.split('\n')).toHaveLength(9);
      }
      await expect(cache.explain([''])).rejects.toMatchObject({ code: 'REDIS_INVALID_KEY' });
    });

    it('sends reads only, changes nothing, and contains no values', async () => {
      const { cache, client, key, events } = started({ ttl: '1h' });
      await cache.getOrLoad('x', load, TAGGED);
      const stored = await client.getBuffer(key);
      const count = events.length;
      const sent = jest.spyOn(client, 'sendCommand');
      const explanation = await cache.explain('x', TAGGED);
      await cache.explain('absent', TAGGED);
      const names = sent.mock.calls.map(([{ name }]) => name);
      sent.mockRestore();
      expect(JSON.stringify(explanation)).not.toContain(SECRET);
      expect(await client.getBuffer(key)).toEqual(stored);
      expect(await client.exists(siblingOf(key, 'lease'))).toBe(0);
      expect(events).toHaveLength(count);
      for (const name of names) expect(['type', 'mget', 'get', 'pttl']).toContain(name);
    });
  });
};

onEveryTopology(suite);
onEmbeddedServer(suite);

onTrackingServers((stage) => {
  describe('An explanation of a near copy', () => {
    it('says what is held and served, and why not', async () => {
      const cached = listenedCache(stage.client, stage.keys(), { ...NEAR, ttl: '1h' });
      const { cache } = cached;
      const read = () => cache.getOrLoad('x', load, TAGGED);
      const cold = await cache.explain('x', TAGGED);
      expect(cold.near).toMatchObject({ isOn: true, isHeld: false, isServed: false });
      await eventually(async () => {
        await read();
        expect(cache.nearState?.hits).toBeGreaterThan(0);
      });
      const before = cache.nearState;
      const sent = jest.spyOn(stage.client, 'sendCommand');
      const held = await cache.explain('x', TAGGED);
      expect(held).toMatchObject({
        verdict: 'near-hit',
        near: { isHeld: true, isServed: true, isArmed: true, bytes: expect.any(Number) },
      });
      expect(sent).toHaveBeenCalled(); // Redis is explained, too
      expect(cache.nearState).toMatchObject({ hits: before?.hits, misses: before?.misses });
      const reasonOf = async (options: object) => (await cache.explain('x', options)).near.reason;
      expect(await reasonOf({ near: false })).toContain('near: false');
      expect(await reasonOf({ tags: ['c'] })).toContain('does not depend');
      await cache.invalidateTags('a');
      const after = await cache.explain('x', TAGGED);
      expect(after.verdict).toBe('miss');
      expect(after.near.isServed).toBe(false);
      await cache.close();
    });
  });
});

describeWithRealRedis('An explanation without Redis', () => {
  const harmed = useHarmedServer();
  const QUICK = { timeout: '100ms', breakerThreshold: 1 } as const;
  const read = (one: CacheOnServer) => one.cache.getOrLoad('x', load, { ...TAGGED, timeout: '5s' });

  it('of a frozen server says that the loader is called without it, and sees the breaker', async () => {
    const one = await harmed.open({ ...QUICK, breakerCooldown: '1h' });
    await read(one);
    harmed.server.freeze();
    const first = await one.cache.explain('x', TAGGED);
    expect(first).toMatchObject({
      verdict: 'bypass',
      reason: expect.stringMatching(/TIMEOUT.*loads the value/),
      failure: { name: 'RedisTimeoutException' },
      entry: { state: 'unknown' },
      lease: { state: 'unknown' },
    });
    await eventually(() => {
      expect(one.cache.isBypassed).toBe(true);
    });
    const second = await one.cache.explain('x', TAGGED);
    expect(second).toMatchObject({ verdict: 'bypass', isBypassed: true });
    expect(second.dependencies[0]).not.toHaveProperty('isStored');
    expect(second.text).toContain('tag "a": not compared');
  });

  it('of a killed server says that a call fails, if the cache is closed', async () => {
    const one = await harmed.open({ ...QUICK, onOutage: 'closed', breakerThreshold: 1_000 });
    await read(one);
    await harmed.server.kill();
    await one.connection.until('connection.down');
    expect(await one.cache.explain('x', TAGGED)).toMatchObject({
      verdict: 'bypass',
      reason: expect.stringContaining('fails with this error'),
      failure: { name: 'RedisConnectionException' },
    });
  });

  it('sees what this process has invalidated, and Redis has not acknowledged', async () => {
    const one = await harmed.open({ ...QUICK, outbox: true, breakerThreshold: 1_000 });
    await read(one);
    harmed.server.freeze();
    await one.cache.invalidateTags('a');
    const { outbox, text } = await one.cache.explain('x', TAGGED);
    expect(outbox).toEqual({ pending: 1, isAboutEntry: true });
    expect(text).toContain('1 not acknowledged yet, this entry among them');
  });
});
