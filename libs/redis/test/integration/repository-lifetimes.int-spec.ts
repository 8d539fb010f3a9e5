import { beforeEach, describe, expect, it } from '@jest/globals';
import { EntityId, RedisEntity, RedisRepository, type KeyBuilder } from '../../src/index.js';
import { describeWithRealRedis } from '../../../../test/support/real-redis.js';
import { Customer, customer } from './support/customer.js';
import { onEveryTopology } from './support/repository-servers.js';

@RedisEntity({ kind: 'note' })
class Note {
  @EntityId() id!: string;
  text!: string;
}

@RedisEntity({ kind: 'country', ttl: 'forever' })
class Country {
  @EntityId() id!: string;
}

const HOUR = 3_600_000;
const FOREVER = -1;

describe('The time to live of an entity', () => {
  onEveryTopology((stage) => {
    let keys: KeyBuilder;
    beforeEach(() => {
      keys = stage.keys();
    });
    const pttl = (kind: string, id: string) => stage.client.pttl(keys.key(kind, id));
    /** A little less than `ms`, for the time that has passed since. */
    const expectLeft = async (kind: string, id: string, ms: number) => {
      const left = await pttl(kind, id);
      expect(left).toBeLessThanOrEqual(ms);
      expect(left).toBeGreaterThan(ms - 5_000);
    };

    it('is an hour by default', async () => {
      const notes = new RedisRepository(stage.client, keys, Note);
      await notes.save({ id: '1', text: '' });
      await notes.saveAll([{ id: '2', text: '' }]);
      await expectLeft('note', '1', HOUR);
      await expectLeft('note', '2', HOUR);
    });

    it('comes from the save, else from the class, else from the repository', async () => {
      const options = { defaultTtl: '5m' } as const;
      const notes = new RedisRepository(stage.client, keys, Note, options);
      const customers = new RedisRepository(stage.client, keys, Customer, options);
      await notes.save({ id: '1', text: '' });
      await notes.save({ id: '2', text: '' }, { ttl: '2m' });
      await customers.save(customer(1));
      await customers.saveAll([customer(2)], { ttl: '90s' });
      await expectLeft('note', '1', 5 * 60_000);
      await expectLeft('note', '2', 2 * 60_000);
      await expectLeft('customer', 'c1', HOUR);
      await expectLeft('customer', 'c2', 90_000);
    });

    it('is unlimited only if that was configured', async () => {
      const countries = new RedisRepository(stage.client, keys, Country, { defaultTtl: '5m' });
      const notes = new RedisRepository(stage.client, keys, Note, { defaultTtl: 'forever' });
      const customers = new RedisRepository(stage.client, keys, Customer);
      await countries.save({ id: 'FR' });
      await notes.save({ id: '1', text: '' });
      await customers.save(customer(1), { ttl: 'forever' });
      expect(await pttl('country', 'FR')).toBe(FOREVER);
      expect(await pttl('note', '1')).toBe(FOREVER);
      expect(await pttl('customer', 'c1')).toBe(FOREVER);
      await countries.save({ id: 'FR' }, { ttl: '1m' });
      await customers.save(customer(1));
      await expectLeft('country', 'FR', 60_000);
      await expectLeft('customer', 'c1', HOUR);
    });

    it.each(['note', 'customer'])('is not changed when a %s is updated', async (kind) => {
      const notes = new RedisRepository(stage.client, keys, Note);
      const customers = new RedisRepository(stage.client, keys, Customer);
      await notes.saveAll([{ id: 'c1', text: '' }], { ttl: '10m' });
      await customers.saveAll([customer(1)], { ttl: '10m' });
      const update = {
        note: (options: { ttl?: '20m' | 'forever' | 'keep' }) =>
          notes.update('c1', { text: 'x' }, options),
        customer: (options: { ttl?: '20m' | 'forever' | 'keep' }) =>
          customers.update('c1', { points: 5 }, options),
      }[kind];
      await update?.({});
      await expectLeft(kind, 'c1', 10 * 60_000);
      await update?.({ ttl: 'keep' });
      await expectLeft(kind, 'c1', 10 * 60_000);
      await update?.({ ttl: '20m' });
      await expectLeft(kind, 'c1', 20 * 60_000);
      await update?.({ ttl: 'forever' });
      expect(await pttl(kind, 'c1')).toBe(FOREVER);
      await update?.({});
      expect(await pttl(kind, 'c1')).toBe(FOREVER);
    });

    it('is changed by expire', async () => {
      const notes = new RedisRepository(stage.client, keys, Note);
      const customers = new RedisRepository(stage.client, keys, Customer);
      await notes.save({ id: '1', text: '' });
      await customers.save(customer(1));
      for (const [repository, kind, id] of [
        [notes, 'note', '1'],
        [customers, 'customer', 'c1'],
      ] as const) {
        expect(await repository.expire(id, '2m')).toBe(true);
        await expectLeft(kind, id, 2 * 60_000);
        expect(await repository.expire(id, 'forever')).toBe(true);
        expect(await pttl(kind, id)).toBe(FOREVER);
        expect(await repository.expire(id, 'forever')).toBe(true);
        expect(await repository.expire(id, '1h')).toBe(true);
        await expectLeft(kind, id, HOUR);
      }
    });

    // The clock of the embedded server goes on during a script.
    describeWithRealRedis('in its last milliseconds', () => {
      it('is kept by updates, and ends in time', async () => {
        const customers = new RedisRepository(stage.client, keys, Customer);
        for (let i = 0; i < 10; i++) {
          await customers.save(customer(1), { ttl: '15ms' });
          while (await customers.update('c1', { points: i }));
          expect(await customers.exists('c1')).toBe(false);
        }
      });
    });

    it('is written together with the value, so no crash leaves one without the other', async () => {
      const notes = new RedisRepository(stage.client, keys, Note);
      await notes.save({ id: '1', text: 'old' }, { ttl: 'forever' });
      await notes.save({ id: '1', text: 'new' });
      await expectLeft('note', '1', HOUR);
    });
  });
});
