import { describe, expect, it } from '@jest/globals';
import { IsInt } from 'class-validator';
import { Cluster, type Redis } from 'ioredis';
import {
  EntityId,
  Indexed,
  KeyBuilder,
  RedisEntity,
  RedisRepository,
  type RedisClient,
} from '../../src/index.js';
import type { EntityClass } from '../../src/repository/entity/entity-schema.js';
import { startCluster, startRedis } from '../../src/testing/index.js';
import { describeWithRealRedis, itSinceRedis7 } from '../../../../test/support/real-redis.js';
import { caught } from './support/caught.js';
import { openConnection } from './support/open-connection.js';
import { recordCommands } from './support/record-commands.js';
import { onEveryTopology } from './support/repository-servers.js';

@RedisEntity({ kind: 'plain', ttl: '1h' })
class Plain {
  @EntityId() id!: string;
  code!: string;
  group!: string;
  @IsInt() points!: number;
}

@RedisEntity({ kind: 'grouped', ttl: '1h' })
class Grouped extends Plain {
  @Indexed() declare group: string;
}

@RedisEntity({ kind: 'unique-one', ttl: '1h' })
class Unique extends Plain {
  @Indexed({ unique: true }) declare code: string;
  @Indexed() declare group: string;
}

type Some = RedisRepository<Plain>;

const entities: readonly [string, EntityClass<Plain>][] = [
  ['without indexes', Plain],
  ['with an index', Grouped],
  ['with a unique one', Unique],
];

const one = (id: string, changes: Partial<Plain> = {}): Plain => ({
  id,
  code: `code-${id}`,
  group: 'g',
  points: 1,
  ...changes,
});

/** Every kind of write, and what it answers. */
const writes: readonly [string, (some: Some) => Promise<unknown>, answer: unknown][] = [
  ['save', (some) => some.save(one('1', { points: 2 })), expect.objectContaining({ points: 2 })],
  ['save the same', (some) => some.save(one('1')), expect.objectContaining({ points: 1 })],
  ['save forever', (some) => some.save(one('1'), { ttl: 'forever' }), expect.anything()],
  ['save others', (some) => some.save(one('1', { code: 'c', group: 'h' })), expect.anything()],
  ['saveAll', (some) => some.saveAll([one('1'), one('3')]), undefined],
  ['update', (some) => some.update('1', { points: 2 }), expect.objectContaining({ points: 2 })],
  ['update nothing', (some) => some.update('1', {}), expect.objectContaining({ points: 1 })],
  ['update its time', (some) => some.update('1', {}, { ttl: '2m' }), expect.anything()],
  ['delete', (some) => some.delete('1'), true],
  ['deleteAll', (some) => some.deleteAll(['1', '3']), 1],
  ['expire', (some) => some.expire('1', '1m'), true],
  ['expire forever', (some) => some.expire('1', 'forever'), true],
];

/** Writes that change nothing, and their results. */
const refusals: readonly [string, (some: Some) => Promise<unknown>, answer: unknown][] = [
  ['an update of an absent entity', (some) => some.update('0', {}), null],
  ['an expiry of an absent entity', (some) => some.expire('0', '1m'), false],
  ['an expiry of an absent entity to forever', (some) => some.expire('0', 'forever'), false],
];

describe('The version beside an entity', () => {
  onEveryTopology((stage) => {
    describe.each(entities)('%s', (_, entity) => {
      /** Entities 1 and 2, and versions of these and of 0, which is not there. */
      async function arrange(client: RedisClient = stage.client) {
        const some: Some = new RedisRepository(client, stage.keys(), entity);
        await some.saveAll([one('1'), one('2')]);
        for (const id of ['0', '1', '2']) await stage.client.set(some.dependencyOn(id).version, id);
        return some;
      }
      const versionsOf = (some: Some) =>
        Promise.all(['0', '1', '2'].map((id) => stage.client.get(some.dependencyOn(id).version)));

      it.each(writes)('is removed by a write of its entity: %s', async (_, write, answer) => {
        const some = await arrange();
        expect(await write(some)).toEqual(answer);
        expect(await versionsOf(some)).toEqual(['0', null, '2']);
      });

      it.each(writes)('is removed in the command that writes: %s', async (_, write) => {
        const client = await stage.open();
        const some = await arrange(client);
        const { entity, version } = some.dependencyOn('1');
        await write(some); // the servers know the scripts
        await stage.client.del(entity);
        await some.save(one('1'));
        const { sent } = recordCommands(client);
        await write(some);
        const touching = sent.filter(({ args }) => args.includes(version));
        const writing = touching.map(({ name, args }) => [name, args.includes(entity)]);
        expect(writing).toEqual([['evalsha', true]]);
        const ours = sent.filter(({ args, name }) => args.includes(entity) && name !== 'evalsha');
        expect(ours.every(({ name }) => ['mget', 'get', 'pttl'].includes(name))).toBe(true);
      });

      it('is removed by the deletion of an entity that has gone, which returns false', async () => {
        const some = await arrange();
        expect(await some.delete('0')).toBe(false);
        expect(await versionsOf(some)).toEqual([null, '1', '2']);
        expect(await some.deleteAll(['0'])).toBe(0);
      });

      it.each(refusals)('stays after %s', async (_, write, answer) => {
        const some = await arrange();
        expect(await write(some)).toEqual(answer);
        expect(await versionsOf(some)).toEqual(['0', '1', '2']);
      });

      it('stays after refused writes', async () => {
        const some = await arrange();
        const invalid = { points: 0.5 };
        const reason = new Error('changed my mind');
        const refused = [
          some.save(one('1', invalid)),
          some.update('1', invalid),
          some.update('1', { id: '2' }),
          some.update('1', () => Promise.reject(reason)),
          some.saveAll([one('1', invalid)]),
        ];
        expect(await Promise.all(refused.map(async (write) => (await caught(write)).name))).toEqual(
          [
            'RedisValidationException',
            'RedisValidationException',
            'RedisValidationException',
            'Error',
            'RedisBatchException',
          ],
        );
        expect(await versionsOf(some)).toEqual(['0', '1', '2']);
      });

      it('stays after an update that was overtaken by others each time', async () => {
        const some = await arrange();
        const key = some.dependencyOn('1').entity;
        let points = 1;
        const overtaking = async () => {
          await stage.client.set(key, JSON.stringify(one('1', { points: ++points })));
          return { points: 0 };
        };
        const overtaken = some.update('1', overtaking, { timeout: '1s' });
        expect((await caught(overtaken)).name).toBe('RedisConflictException');
        expect(await versionsOf(some)).toEqual(['0', '1', '2']);
      });

      it('is not found as an entity by a search for all entities', async () => {
        const some = await arrange();
        const ids = async () => {
          const found: string[] = [];
          for await (const id of some.ids()) found.push(id);
          return found.sort();
        };
        expect(await ids()).toEqual(['1', '2']);
        expect(await some.count()).toBe(2);
        const page = await some.page({ limit: 1_000 });
        expect(page.entities.map(({ id }) => id).sort()).toEqual(['1', '2']);
        await some.deleteAll(await ids());
        expect([await some.count(), await some.exists('1')]).toEqual([0, false]);
      });
    });

    it('stays if another entity has the unique value', async () => {
      const some = stage.repository(Unique);
      await some.saveAll([one('1'), one('2')]);
      const { version } = some.dependencyOn('1');
      await stage.client.set(version, 'v');
      const taken = { code: 'code-2' };
      for (const write of [some.save(one('1', taken)), some.update('1', taken)]) {
        expect((await caught(write)).name).toBe('RedisConflictException');
      }
      expect(await stage.client.get(version)).toBe('v');
    });
  });

  it('gets its key from the repository, without a command', () => {
    const keys = new KeyBuilder({ app: 'test', environment: 'names' });
    const some = new RedisRepository({} as Redis, keys, Plain);
    expect(some.dependencyOn('a:b')).toEqual({
      entity: 'plain:test:names:a%3Ab',
      version: 'version:test:names:{plain:test:names:a%3Ab}',
    });
    expect(() => some.dependencyOn('')).toThrow(/the id/);
  });
});

describeWithRealRedis('A write that may not remove the version', () => {
  const topologies = [
    ['on one server', startRedis],
    ['on a cluster', () => startCluster({ replicas: false })],
  ] as const;
  const rules = [
    ['the command is forbidden', ['~*', '+@all', '-unlink']],
    ['the key is forbidden', ['~plain:*', '~grouped:*', '~unique*', '~index:*', '+@all']],
  ] as const;

  describe.each(topologies)('%s', (_, start) => {
    // Redis 6 cannot be asked before the entity is written.
    itSinceRedis7.each(rules)('is refused, and leaves entity and version: %s', async (_, rule) => {
      await using server = await start();
      const at =
        'nodes' in server
          ? { clusterNodes: server.nodes.map(({ host, port }) => ({ host, port })) }
          : { url: server.url };
      const root = await openConnection(at);
      const nodes = root.client instanceof Cluster ? root.client.nodes() : [root.client];
      const login = { username: 'clerk', password: 'secret' };
      for (const node of nodes) {
        await node.acl('SETUSER', login.username, 'on', `>${login.password}`, ...rule);
      }
      const clerk = await openConnection({ ...at, ...login });
      const keys = new KeyBuilder({ app: 'test', environment: 'acl' });
      for (const [, entity] of entities) {
        const some: Some = new RedisRepository(root.client, keys, entity);
        const { entity: key, version } = some.dependencyOn('1');
        await some.save(one('1'));
        await root.client.set(version, 'v');
        const before = [await root.client.get(key), 'v', await root.client.pttl(key)];
        const theirs: Some = new RedisRepository(clerk.client, keys, entity);
        for (const write of [
          theirs.save(one('1', { points: 2 })),
          theirs.update('1', { points: 2 }),
          theirs.delete('1'),
          theirs.expire('1', '2h'),
        ]) {
          expect((await caught(write)).name).toBe('RedisPermissionException');
        }
        const after = [await root.client.get(key), await root.client.get(version)];
        expect(after).toEqual(before.slice(0, 2));
        expect(await root.client.pttl(key)).toBeLessThanOrEqual(Number(before[2]));
      }
      await clerk.close();
      await root.close();
    });
  });

  it('is refused if memory is short, and leaves the version', async () => {
    await using server = await startRedis();
    const { client, close } = await openConnection({ url: server.url });
    const keys = new KeyBuilder({ app: 'test', environment: 'full' });
    const some: Some = new RedisRepository(client, keys, Plain);
    const { version } = some.dependencyOn('1');
    await some.save(one('1'));
    await client.set(version, 'v');
    await client.config('SET', 'maxmemory', '1');
    for (const write of [some.save(one('1', { points: 2 })), some.update('1', { points: 2 })]) {
      expect((await caught(write)).name).toBe('RedisOutOfMemoryException');
    }
    expect((await some.getById('1'))?.points).toBe(1);
    expect(await client.get(version)).toBe('v');
    await close();
  });
});
