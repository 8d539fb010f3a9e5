import { describe, expect, it } from '@jest/globals';
import { EntityId, KeyBuilder, RedisEntity, RedisRepository } from '../../src/index.js';
import { startRedis } from '../../src/testing/index.js';
import { describeWithRealRedis, itSinceRedis7 } from '../../../../test/support/real-redis.js';
import { caught } from './support/caught.js';
import { openConnection } from './support/open-connection.js';
import { recordCommands } from './support/record-commands.js';
import { onEveryTopology, onOneServer } from './support/repository-servers.js';

@RedisEntity({ kind: 'score', ttl: '1h' })
class Score {
  @EntityId() id!: string;
  points!: number;
}

const score = (n: number): Score => Object.assign(new Score(), { id: String(n), points: n });
const scores = (count: number) => Array.from({ length: count }, (_, n) => score(n));

describe('Updates of one turn', () => {
  onEveryTopology((stage) => {
    it('are all made, each once, and several of one entity one after the other', async () => {
      const some = stage.repository(Score);
      await some.saveAll(scores(100));
      const ids = [...scores(100).map(({ id }) => id), '7', '7', 'absent'];
      const updated = await Promise.all(
        ids.map((id) => some.update(id, (found) => ({ points: found.points + 1_000 }))),
      );
      expect(updated.filter((one) => one === null)).toHaveLength(1);
      const found = await some.getAll(scores(100).map(({ id }) => id));
      expect([...found.values()].map(({ id, points }) => points - Number(id))).toEqual(
        scores(100).map(({ id }) => (id === '7' ? 3_000 : 1_000)),
      );
    });
  });

  onOneServer((stage) => {
    it('are sent as one script', async () => {
      const client = await stage.open();
      const some = new RedisRepository(client, stage.keys(), Score);
      await some.saveAll(scores(64));
      const updateAll = () =>
        Promise.all(scores(64).map(({ id }) => some.update(id, { points: 1 })));
      await updateAll(); // the server knows the script now
      const { names } = recordCommands(client);
      await updateAll();
      expect(names()).toEqual(['mget', 'evalsha']);
    });
  });

  describeWithRealRedis('where one of them is refused', () => {
    itSinceRedis7('are made but for that one', async () => {
      await using server = await startRedis();
      const { client, close } = await openConnection({ url: server.url });
      const keys = new KeyBuilder({ app: 'test', environment: 'acl' });
      const some = new RedisRepository(client, keys, Score);
      await some.saveAll(scores(4));
      const readable = [0, 1, 2].map((n) => `~*${keys.key('score', n)}*`);
      const rules = ['resetkeys', ...readable, `%R~${keys.key('score', 3)}`];
      await client.call('ACL', 'SETUSER', 'default', ...rules);
      const updates = scores(4).map(({ id }) => some.update(id, { points: 50 }));
      const outcomes = await Promise.allSettled(updates);
      expect(outcomes.map(({ status }) => status)).toEqual([
        ...['fulfilled', 'fulfilled', 'fulfilled'],
        'rejected',
      ]);
      expect(outcomes[3]).toMatchObject({ reason: { name: 'RedisPermissionException' } });
      const found = await some.getAll(['0', '1', '2', '3']);
      expect([...found.values()].map(({ points }) => points)).toEqual([50, 50, 50, 3]);
      await close();
    });

    it('are all refused where memory is short, and leave entities and versions', async () => {
      await using server = await startRedis();
      const { client, close } = await openConnection({ url: server.url });
      const keys = new KeyBuilder({ app: 'test', environment: 'full' });
      const some = new RedisRepository(client, keys, Score);
      await some.saveAll(scores(3));
      const { version } = some.dependencyOn('1');
      await client.set(version, 'v');
      await client.config('SET', 'maxmemory', '1');
      const errors = await Promise.all(
        scores(3).map(({ id }) => caught(some.update(id, { points: 9 }))),
      );
      expect(new Set(errors.map(({ name }) => name))).toEqual(
        new Set(['RedisOutOfMemoryException']),
      );
      const found = await some.getAll(['0', '1', '2']);
      expect([...found.values()].map(({ points }) => points)).toEqual([0, 1, 2]);
      expect(await client.get(version)).toBe('v');
      await close();
    });
  });
});
