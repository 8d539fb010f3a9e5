/** A Redis that has reached its `maxmemory`, and may evict nothing. */
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import {
  EntityId,
  Indexed,
  RedisEntity,
  type RedisBatchException,
  type RedisRepository,
} from '../../src/index.js';
import { describeWithRealRedis } from '../../../../test/support/real-redis.js';
import type { RedisClient } from '../../src/connection/options/options.js';
import { caught } from './support/caught.js';
import { onEveryTopology, type Stage } from './support/repository-servers.js';

@RedisEntity({ kind: 'place' })
class Place {
  @EntityId() id!: string;
  @Indexed() country?: string;
  @Indexed({ unique: true }) name?: string;
}

@RedisEntity({ kind: 'note' })
class Note {
  @EntityId() id!: string;
}

const FULL = 'RedisOutOfMemoryException';

describeWithRealRedis('A repository whose Redis is full', () => {
  const suite = (stage: Stage) => {
    let places: RedisRepository<Place>;
    beforeEach(async () => {
      places = stage.repository(Place);
      await places.save({ id: '1', country: 'FR', name: 'Lyon' });
      await limitMemory(stage.client, '1');
    });
    afterEach(() => limitMemory(stage.client, '0'));

    it.each<[string, Omit<Place, 'id'>]>([
      ['an index', { country: 'FR' }],
      ['a unique value', { name: 'Nice' }],
      ['both', { country: 'FR', name: 'Nice' }],
      ['neither', {}],
    ])('refuses to save an entity with %s', async (_, values) => {
      expect((await caught(places.save({ id: '2', ...values }))).name).toBe(FULL);
      expect(await places.exists('2')).toBe(false);
    });

    it('refuses updates, many entities at once, and entities without indexes', async () => {
      expect((await caught(places.update('1', { country: 'IT' }))).name).toBe(FULL);
      const failure = (await caught(places.saveAll([{ id: '2' }]))) as RedisBatchException;
      expect(failure.errors.get('2')?.name).toBe(FULL);
      expect((await caught(stage.repository(Note).save({ id: '1' }))).name).toBe(FULL);
    });

    it('still reads, finds and deletes', async () => {
      expect(await places.findBy({ country: 'FR' })).toMatchObject([{ name: 'Lyon' }]);
      expect(await places.delete('1')).toBe(true);
      expect(await places.findBy({ country: 'FR' })).toEqual([]);
    });
  };

  onEveryTopology(suite, { ownCluster: true });
});

async function limitMemory(client: RedisClient, maxmemory: string): Promise<void> {
  const nodes = 'nodes' in client ? client.nodes('master') : [client];
  await Promise.all(nodes.map((node) => node.config('SET', 'maxmemory', maxmemory)));
}
