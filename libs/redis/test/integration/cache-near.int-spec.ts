/** The near copy of a cache: what it serves without a round trip, and what it must not serve. */
import { describe, expect, it, jest } from '@jest/globals';
import { EntityId, KeyBuilder, RedisEntity, RedisRepository } from '../../src/index.js';
import { eventually } from '../../../../test/support/time.js';
import type { Stage } from './support/repository-servers.js';
import { listenedCache } from './support/cache-stage.js';
import {
  NEAR,
  onTrackingServers,
  processesOn,
  sentDuring,
  untilNear,
  warm,
  type Started,
} from './support/near-stage.js';

@RedisEntity({ kind: 'near-user' })
class User {
  @EntityId() id!: string;
  name!: string;
}

onTrackingServers((stage) => {
  describe('A near copy', () => {
    it('serves what was read, without a round trip', async () => {
      const one = await processesOn(stage).start();
      await warm(one, 'x', ['t']);
      const loader = jest.fn(() => 'new');
      const sent = await sentDuring(one, async () => {
        const found = await one.cache.resolve('x', loader, { tags: ['t'] });
        expect(found).toMatchObject({ value: 'old', status: 'hit' });
      });
      expect([sent, loader.mock.calls.length]).toEqual([[], 0]);
      expect(one.of('cache.request').at(-1)).toMatchObject({ result: 'hit' });
    });

    it('hears of what another process invalidates, by tag and by key', async () => {
      const processes = processesOn(stage);
      const [one, other] = [await processes.start(), await processes.start()];
      await warm(one, 'x', ['t']);
      await other.cache.invalidateTags('t');
      await eventually(async () => {
        expect(await one.cache.getOrLoad('x', () => 'new', { tags: ['t'] })).toBe('new');
      });
      await warm(one, 'y');
      await other.cache.delete('y');
      await eventually(async () => {
        expect(await one.cache.getOrLoad('y', () => 'new')).toBe('new');
      });
    });

    it('hears of a value whose key is like those that prove that changes are heard', async () => {
      const processes = processesOn(stage);
      const [one, other] = [await processes.start(), await processes.start()];
      const key = ['near-probe', 'x'] as const;
      await untilNear(one, () => one.cache.getOrLoad(key, () => 'old'));
      await other.cache.delete(key);
      await eventually(async () => {
        expect(await one.cache.getOrLoad(key, () => 'new')).toBe('new');
      });
    });

    it('never serves what this process has invalidated, set or changed', async () => {
      const { cache, ...one } = await processesOn(stage).start();
      for (let i = 0; i < 20; i++) {
        const key = `x${i}`;
        await warm({ cache, ...one }, key, ['t']);
        if (i % 4 === 0) await cache.invalidateTags('t');
        if (i % 4 === 1) await cache.delete(key);
        if (i % 4 === 2) await cache.set(key, 'new', { tags: ['t'] });
        if (i % 4 === 3) await cache.change({ tags: ['t'] }, () => undefined);
        expect(await cache.getOrLoad(key, () => 'new', { tags: ['t'] })).toBe('new');
      }
    });

    it('is asked for nothing by a caller who wants the value of Redis', async () => {
      const one = await processesOn(stage).start();
      await warm(one, 'x');
      const sent = await sentDuring(one, () =>
        one.cache.getOrLoad('x', () => 'new', { near: false }),
      );
      expect(sent).not.toEqual([]);
    });

    it('serves many keys in one call, and reads only the others', async () => {
      const one = await processesOn(stage).start();
      const ids = Array.from({ length: 20 }, (_, i) => ['user', i] as const);
      const loader = jest.fn((missing: (typeof ids)[number][]) =>
        Promise.resolve(new Map(missing.map((key) => [key, key[1]]))),
      );
      const all = () => one.cache.getOrLoadAll(ids, loader, { tags: ([, id]) => [`t${id}`] });
      await eventually(async () => {
        await all();
        expect(await sentDuring(one, all)).toEqual([]);
      });
      await one.cache.invalidateTags('t7');
      loader.mockClear();
      expect([...(await all()).values()]).toEqual(ids.map(([, id]) => id));
      expect(loader.mock.calls.map(([missing]) => missing)).toEqual([[ids[7]]]);
    });

    it('knows that there is no value, as long as Redis does', async () => {
      const one = await processesOn(stage).start({ negativeTtl: '1m' });
      const read = () => one.cache.resolve<string | null>('none', () => null);
      await untilNear(one, read);
      expect(await sentDuring(one, read)).toEqual([]);
      expect(await read()).toMatchObject({ value: null, status: 'negative' });
    });

    it('leaves stale values to Redis, where one caller refreshes them', async () => {
      const one = await processesOn(stage).start({ ttl: '100ms', jitter: 0, staleFor: '1m' });
      let version = 0;
      const read = () => one.cache.resolve('x', () => ++version);
      await read();
      await eventually(async () => {
        expect((await read()).status).toBe('stale');
      });
      await eventually(async () => {
        expect((await read()).value).toBeGreaterThan(1);
      });
    });

    it('follows entities that this process, or another one, writes', async () => {
      const processes = processesOn(stage);
      const [one, other] = [await processes.start(), await processes.start()];
      const [own, foreign] = [one, other].map(
        ({ client }) => new RedisRepository(client, processes.keys, User),
      ) as [RedisRepository<User>, RedisRepository<User>];
      const save = (repository: RedisRepository<User>, name: string) =>
        repository.save(Object.assign(new User(), { id: '1', name }));
      const options = { dependsOn: [own.dependencyOn('1')] };
      const read = () =>
        one.cache.getOrLoad('greeting', async () => (await own.getById('1'))?.name, options);
      await save(own, 'a');
      for (const name of ['b', 'c', 'd', 'e']) {
        await untilNear(one, read);
        await save(own, name);
        expect(await read()).toBe(name);
      }
      await untilNear(one, read);
      await save(foreign, 'f');
      await eventually(async () => {
        expect(await read()).toBe('f');
      });
    });

    it('keeps nothing that depends on a key, or an entity, whose changes it does not hear', async () => {
      const one = await processesOn(stage).start();
      const elsewhere = new KeyBuilder({ app: 'other', environment: 'other' });
      const foreign = new RedisRepository(one.client, elsewhere, User).dependencyOn('1');
      for (const dependsOn of [['some-key'], [foreign]]) {
        const key = JSON.stringify(dependsOn).length;
        for (let i = 0; i < 5; i++) await one.cache.getOrLoad(['x', key], () => 1, { dependsOn });
      }
      await warm(one, 'y'); // the link is armed
      expect(one.cache.nearState).toMatchObject({ isArmed: true, entries: 1 });
    });

    it('hears of keys that are flushed, evicted or expire', async () => {
      const processes = processesOn(stage);
      const one = await processes.start({ ttl: '1h' });
      await warm(one, 'x', ['t']);
      const version = processes.keys.tagKey('t');
      await stage.client.unlink(version);
      await eventually(async () => {
        expect(await one.cache.getOrLoad('x', () => 'new', { tags: ['t'] })).toBe('new');
      });
      await warm(one, 'y');
      await stage.client.pexpire(processes.keys.key('cache', 'y'), 1);
      await eventually(async () => {
        expect(await one.cache.getOrLoad('y', () => 'new')).toBe('new');
      });
    });

    it('confirms what it holds after the link was lost, without moving the value again', async () => {
      const one = await processesOn(stage).start();
      const large = 'x'.repeat(50_000);
      const read = () => one.cache.getOrLoad('large', () => large, { tags: ['t', 'u'] });
      await untilNear(one, read);
      const { unverified = 0 } = one.cache.nearState ?? {};
      const commands = new Set<string>();
      await eventually(async () => {
        await killLinks(stage);
        await eventually(() => {
          expect(one.cache.nearState?.isArmed).toBe(true);
        });
        for (const name of await sentDuring(one, read)) commands.add(name);
        expect(one.cache.nearState?.unverified).toBeGreaterThan(unverified);
      });
      expect(commands).toContain('getrange');
      expect(await sentDuring(one, read)).toEqual([]);
    });

    it('serves nothing that was invalidated while its link was lost', async () => {
      const processes = processesOn(stage);
      const [one, other] = [await processes.start(), await processes.start()];
      for (let i = 0; i < 3; i++) {
        await warm(one, `x${i}`, ['t']);
        await warm(one, `y${i}`);
        await killLinks(stage);
        await other.cache.invalidateTags('t');
        await other.cache.delete(`y${i}`);
        await eventually(async () => {
          expect(await one.cache.getOrLoad(`x${i}`, () => 'new', { tags: ['t'] })).toBe('new');
          expect(await one.cache.getOrLoad(`y${i}`, () => 'new')).toBe('new');
        });
      }
    });

    it('hears of changes in one cache that another cache of the connection makes', async () => {
      const { keys, start } = processesOn(stage);
      const one = await start();
      const plain = listenedCache(one.client, keys, { name: 'plain' });
      const named = listenedCache(one.client, keys, { name: 'named', near: NEAR });
      await warm(one, 'x', ['t']);
      await warm({ ...named, client: one.client }, 'x', ['t']);
      await plain.cache.invalidateTags('t');
      for (const { cache } of [one, named]) {
        expect(await cache.getOrLoad('x', () => 'new', { tags: ['t'] })).toBe('new');
      }
    });

    it('ends with its cache, and the links with the last one', async () => {
      const { keys, start } = processesOn(stage);
      const one = await start();
      const named = {
        ...listenedCache(one.client, keys, { name: 'n', near: NEAR }),
        client: one.client,
      };
      await warm(one, 'x');
      await warm(named, 'x');
      await one.cache.close();
      expect(one.cache.nearState?.entries).toBe(0);
      await warm(named, 'y');
      await one.cache.getOrLoad('x', () => 'new'); // without the copy, which would hear of no change
      expect(one.cache.nearState?.entries).toBe(0);
      await named.cache.close();
      expect(named.cache.nearState).toMatchObject({ entries: 0, isArmed: false });
    });

    it('serves each caller a copy of its own, or with "frozen" one that none can change', async () => {
      const processes = processesOn(stage);
      const copies = await processes.start();
      const value = { list: [{ a: 1 }] };
      const read = (one: Started) => one.cache.getOrLoad('v', () => value);
      await eventually(async () => {
        await read(copies);
        expect(copies.cache.nearState?.hits).toBeGreaterThan(1);
      });
      const [first, second] = [await read(copies), await read(copies)];
      expect(first).toEqual(value);
      expect(first).not.toBe(second);

      const frozen = await processes.start({ near: { ...NEAR, shared: 'frozen' } });
      const travelled = await read(frozen);
      await eventually(async () => {
        await read(frozen);
        expect(frozen.cache.nearState?.hits).toBeGreaterThan(1);
      });
      expect(await read(frozen)).toBe(await read(frozen));
      for (const one of [travelled, await read(frozen)]) {
        expect(one).toEqual(value);
        expect(() => one.list.push({ a: 2 })).toThrow(TypeError);
        expect(() => Object.assign(one.list[0] ?? {}, { a: 2 })).toThrow(TypeError);
      }
    });
  });
});

/** Cuts the tracking connections of all clients, as a network does. */
async function killLinks({ client }: Stage): Promise<void> {
  const nodes = 'nodes' in client ? client.nodes('master') : [client];
  await Promise.all(nodes.map((node) => node.call('CLIENT', 'KILL', 'TYPE', 'pubsub')));
}
