import { describe, expect, it } from '@jest/globals';
import { EntityId, RedisEntity, RedisRepository } from '../../src/index.js';
import { waitUntil } from '../../src/testing/wait-until.js';
import { listenedCache } from './support/cache-stage.js';
import { Customer } from './support/customer.js';
import { onEveryTopology } from './support/repository-servers.js';

@RedisEntity({ kind: 'note', ttl: '1h' })
class Note {
  @EntityId() id!: string;
  text!: string;
}

onEveryTopology((stage) => {
  describe('A cached value that depends on an entity', () => {
    function open() {
      const keys = stage.keys();
      const notes = new RedisRepository(stage.client, keys, Note);
      const { cache } = listenedCache(stage.client, keys);
      let loads = 0;
      const load = (id: string) => {
        const dependsOn = [notes.dependencyOn(id)];
        const read = async () => ({ load: ++loads, text: (await notes.getById(id))?.text });
        return cache.getOrLoad(['view', id], read, { dependsOn });
      };
      return { notes, cache, load, keys };
    }

    it('is loaded again after each kind of write of the entity', async () => {
      const { notes, load } = open();
      expect(await load('a')).toEqual({ load: 1 });
      await notes.save({ id: 'a', text: 'one' });
      expect([await load('a'), await load('a')]).toEqual(Array(2).fill({ load: 2, text: 'one' }));
      await notes.update('a', { text: 'two' });
      expect(await load('a')).toEqual({ load: 3, text: 'two' });
      await notes.saveAll([{ id: 'a', text: 'three' }]);
      expect(await load('a')).toEqual({ load: 4, text: 'three' });
      await notes.expire('a', '2h');
      expect(await load('a')).toEqual({ load: 5, text: 'three' });
      await notes.delete('a');
      expect(await load('a')).toEqual({ load: 6 });
      await notes.save({ id: 'b', text: 'another' });
      expect(await load('a')).toEqual({ load: 6 });
    });

    it('ends when the entity expires', async () => {
      const { notes, load } = open();
      await notes.save({ id: 'a', text: 'one' }, { ttl: '500ms' });
      expect(await load('a')).toEqual({ load: 1, text: 'one' });
      await waitUntil('it has expired', async () => (await load('a')).load === 2);
      expect(await load('a')).toEqual({ load: 2 });
    });

    it('is not cached if the entity is written during the load', async () => {
      const { notes, cache } = open();
      await notes.save({ id: 'a', text: 'old' });
      const dependsOn = [notes.dependencyOn('a')];
      const load = (during: () => Promise<unknown>) =>
        cache.getOrLoad(
          'view',
          async () => {
            const read = await notes.getByIdOrFail('a');
            await during();
            return read.text;
          },
          { dependsOn },
        );
      expect(await load(() => notes.save({ id: 'a', text: 'new' }))).toBe('old');
      expect(await load(async () => undefined)).toBe('new');
    });

    it('also where the entity has indexes', async () => {
      const keys = stage.keys();
      const customers = new RedisRepository(stage.client, keys, Customer);
      const { cache } = listenedCache(stage.client, keys);
      expect(customers.dependencyOn('x')).toEqual({
        entity: expect.any(String),
        version: expect.stringMatching(/^version:[^{]*\{.*\}$/),
      });
      let loads = 0;
      const load = () =>
        cache.getOrLoad('view', () => ++loads, { dependsOn: [customers.dependencyOn('x')] });
      expect([await load(), await load()]).toEqual([1, 1]);
      await customers.delete('x');
      expect(await load()).toBe(2);
    });
  });
});
