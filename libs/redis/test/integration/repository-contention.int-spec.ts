/** Many updates of one entity at the same moment, as after a freeze of the server. */
import { beforeAll, expect, it } from '@jest/globals';
import { waitUntil } from '../../src/testing/wait-until.js';
import { EntityId, KeyBuilder, RedisEntity, RedisRepository } from '../../src/index.js';
import { caught } from './support/caught.js';
import { latch } from './support/latch.js';
import { onOneServer } from './support/repository-servers.js';

@RedisEntity({ kind: 'tally' })
class Tally {
  @EntityId({ type: String }) id!: string;
  count!: number;
}

const CALLERS = 300;

onOneServer((stage) => {
  let keys: KeyBuilder;
  let tallies: RedisRepository<Tally>[];

  beforeAll(async () => {
    keys = stage.keys();
    const clients = [stage.client, await stage.open()];
    tallies = clients.map((client) => new RedisRepository(client, keys, Tally));
  });

  const first = () => tallies[0] as RedisRepository<Tally>;
  const second = () => tallies[1] as RedisRepository<Tally>;
  const addOne = async (repository: RedisRepository<Tally>) =>
    (await repository.update('a', ({ count }) => ({ count: count + 1 }))) as Tally;

  it('makes all concurrent updates of one entity, and loses none', async () => {
    await first().save({ id: 'a', count: 0 });

    await Promise.all(Array.from({ length: CALLERS }, () => addOne(first())));

    expect(await first().getById('a')).toMatchObject({ count: CALLERS });
  });

  it('makes all updates of two processes, and loses none', async () => {
    await first().save({ id: 'a', count: 0 });

    await Promise.all(
      Array.from({ length: CALLERS }, (_, i) => addOne(i % 2 === 0 ? first() : second())),
    );

    expect(await first().getById('a')).toMatchObject({ count: CALLERS });
  });

  it('lets no update wait for a slow one of the same entity for longer than its timeout', async () => {
    await first().save({ id: 'a', count: 0 });
    const held = latch();
    let begun = 0;
    const slow = first().update('a', async ({ count }) => {
      begun++;
      if (begun === 1)
        await addOne(second()); // so that the slow one starts over, in line
      else if (begun === 2) await held.opened;
      return { count: count + 100 };
    });
    await waitUntil('the slow update has its turn', async () => begun === 2);

    await addOne(first());

    held.open();
    await slow;
    expect(await first().getById('a')).toMatchObject({ count: 102 });
  });

  it('rejects an update that waits for another update of the same entity inside itself', async () => {
    await first().save({ id: 'a', count: 0 });
    const inside = () => addOne(first()).then(({ count }) => ({ count: count + 10 }));

    const failure = await caught(first().update('a', inside, { timeout: '100ms' }));

    expect(failure.name).toBe('RedisConflictException');
  });
});
