import { describe, expect, it } from '@jest/globals';
import { Cluster } from 'ioredis';
import {
  EntityId,
  KeyBuilder,
  RedisEntity,
  RedisRepository,
  type RedisClient,
} from '../../src/index.js';
import { startFaultProxy, startRedis } from '../../src/testing/index.js';
import { describeWithRealRedis } from '../../../../test/support/real-redis.js';
import { caught } from './support/caught.js';
import { openConnection } from './support/open-connection.js';
import { recordCommands } from './support/record-commands.js';
import { onEveryTopology, onOneServer } from './support/repository-servers.js';

@RedisEntity({ kind: 'note', ttl: '1h' })
class Note {
  @EntityId() id!: string;
  text!: string;
}

const note = (n: number, text = `text ${n}`): Note =>
  Object.assign(new Note(), { id: String(n), text });
const notes = (count: number) => Array.from({ length: count }, (_, n) => note(n));

describe('Saves of one turn', () => {
  onEveryTopology((stage) => {
    it('are all written, each with its TTL, and the last one of an entity wins', async () => {
      const some = stage.repository(Note);
      const saves = [
        some.save(note(1, 'first')),
        some.save(note(2), { ttl: 'forever' }),
        some.save(note(1, 'last'), { ttl: '1m' }),
      ];
      expect((await Promise.all(saves)).map(({ text }) => text)).toEqual([
        'first',
        'text 2',
        'last',
      ]);
      expect((await some.getById('1'))?.text).toBe('last');
      const left = (id: string) => stage.client.pttl(some.dependencyOn(id).entity);
      expect(await left('1')).toBeLessThanOrEqual(60_000);
      expect(await left('2')).toBe(-1);
    });

    it('are written also if the server does not know the script', async () => {
      const some = stage.repository(Note);
      await some.saveAll(notes(3));
      const nodes = stage.client instanceof Cluster ? stage.client.nodes() : [stage.client];
      for (const node of nodes) await node.script('FLUSH');
      await some.saveAll(notes(6));
      expect(await some.count()).toBe(6);
    });
  });

  onOneServer((stage) => {
    const sentBy = async (save: (some: RedisRepository<Note>) => Promise<unknown>) => {
      const client: RedisClient = await stage.open();
      const some = new RedisRepository(client, stage.keys(), Note);
      await some.save(note(0));
      const { names } = recordCommands(client);
      await save(some);
      return names();
    };

    it('are sent as one script', async () => {
      const saving = sentBy((some) => Promise.all(notes(64).map((each) => some.save(each))));
      expect(await saving).toEqual(['evalsha']);
    });

    // Its Lua takes fewer keys.
    describeWithRealRedis('on a real one', () => {
      it('are sent as several scripts if they are many, or large', async () => {
        const many = sentBy((some) => some.saveAll(notes(300)));
        const scripts = await many; // `saveAll` pauses where it takes long, and a pause ends a turn
        expect(new Set(scripts)).toEqual(new Set(['evalsha']));
        expect(scripts.length).toBeGreaterThanOrEqual(3);
        expect(scripts.length).toBeLessThan(150); // it would be 300
        const large = 'x'.repeat(200_000);
        const saving = sentBy((some) => some.saveAll([0, 1, 2].map((n) => note(n, large))));
        expect(await saving).toEqual(['evalsha', 'evalsha', 'evalsha']);
      });
    });
  });

  it('name their own keys if they get no answer', async () => {
    await using server = await startRedis();
    await using proxy = await startFaultProxy(server);
    const { host, port } = proxy;
    const { client, close } = await openConnection({ host, port, commandTimeout: '500ms' });
    const keys = new KeyBuilder({ app: 'test', environment: 'silent' });
    const some = new RedisRepository(client, keys, Note);
    proxy.stall();
    const errors = await Promise.all(notes(3).map((each) => caught(some.save(each))));
    expect(errors).toMatchObject(
      notes(3).map(({ id }) => ({ name: 'RedisTimeoutException', key: keys.key('note', id) })),
    );
    await proxy.heal();
    await close();
  });

  describeWithRealRedis('where memory is short', () => {
    it('are refused, and leave their versions', async () => {
      await using server = await startRedis();
      const { client, close } = await openConnection({ url: server.url });
      const keys = new KeyBuilder({ app: 'test', environment: 'full' });
      const some = new RedisRepository(client, keys, Note);
      const { version } = some.dependencyOn('1');
      await client.set(version, 'v');
      await client.config('SET', 'maxmemory', '1');
      const saves = notes(3).map(async (each) => (await caught(some.save(each))).name);
      expect(new Set(await Promise.all(saves))).toEqual(new Set(['RedisOutOfMemoryException']));
      expect([await some.count(), await client.get(version)]).toEqual([0, 'v']);
      await close();
    });
  });
});
