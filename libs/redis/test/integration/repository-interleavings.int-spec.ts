/**
 * In a cluster an entity and its index entries are written one after the other. These tests stop a save in
 * the middle, let another caller act, and let the save continue. Random tests rarely meet these
 * interleavings.
 */
import { beforeEach, describe, expect, it } from '@jest/globals';
import { RedisRepository, type KeyBuilder } from '../../src/index.js';
import type { RedisClient } from '../../src/connection/options/options.js';
import { caught } from './support/caught.js';
import { Customer, customer } from './support/customer.js';
import { gated } from './support/gate.js';
import { onCluster } from './support/repository-servers.js';

const A = 'a@example.com';
const B = 'b@example.com';

describe('RedisRepository with an interrupted save', () => {
  onCluster((stage) => {
    let keys: KeyBuilder;
    let client: RedisClient;
    let others: RedisRepository<Customer>;
    const slow = (through: RedisClient) => new RedisRepository(through, keys, Customer);
    const keyOf = (n: number) => keys.key('customer', `c${n}`);
    const claimOf = (email: string) => keys.key('unique', 'customer', 'email', email);
    const writing = (n: number) => (args: readonly unknown[]) => args.includes(keyOf(n));
    const touching = (key: string) => (args: readonly unknown[]) => args.includes(key);

    beforeEach(() => {
      client = stage.client;
      keys = stage.keys();
      others = slow(client);
    });

    /** An entity that has B, and a claim of A that it has left behind. */
    async function leaveStaleClaim(): Promise<void> {
      await others.save(customer(1, { email: A }));
      const claim = await client.get(claimOf(A));
      await others.save(customer(1, { email: B }));
      await client.set(claimOf(A), String(claim), 'EX', 3600);
    }

    it('keeps its unique value if a reader found the entry stale before', async () => {
      await leaveStaleClaim();
      const saver = gated(client);
      const reader = gated(client);
      const write = saver.hold('evalsha', writing(1));
      const saving = slow(saver.client).save(customer(1, { email: A }));
      await write.reached;
      const removal = reader.hold('evalsha', touching(claimOf(A)));
      const reading = slow(reader.client).findOneBy({ email: A });
      await removal.reached;
      write.release();
      await saving;
      removal.release();
      await reading;
      expect((await others.findOneBy({ email: A }))?.id).toBe('c1');
      expect((await caught(others.save(customer(2, { email: A })))).name).toBe(
        'RedisConflictException',
      );
    });

    it('does not share its unique value with a save that found it abandoned before', async () => {
      await leaveStaleClaim();
      const saver = gated(client);
      const taker = gated(client);
      const write = saver.hold('evalsha', writing(1));
      const saving = slow(saver.client).save(customer(1, { email: A }));
      await write.reached;
      let attempts = 0;
      const second = (args: readonly unknown[]) => touching(claimOf(A))(args) && ++attempts === 2;
      const takeover = taker.hold('evalsha', second);
      const taking = caught(slow(taker.client).save(customer(2, { email: A })));
      await Promise.race([takeover.reached, taking]);
      write.release();
      await saving;
      takeover.release();
      expect((await taking).name).toBe('RedisConflictException');
      expect((await others.getAll(['c1', 'c2'])).size).toBe(1);
    });

    it('has one owner of each value if another save takes its value over', async () => {
      await leaveStaleClaim();
      const { saving, settle } = await saveWhileOthers(async () => {
        await others.save(customer(2, { email: A }));
      });
      await caught(others.save(customer(3, { email: B }))).catch(() => undefined);
      settle.release();
      await Promise.allSettled([saving]);
      const emails = [...(await others.getAll(['c1', 'c2', 'c3'])).values()].map(
        ({ email }) => email,
      );
      expect(emails.sort()).toEqual([...new Set(emails)]);
    });

    it('is found if another save takes its value over and readers clean up', async () => {
      await leaveStaleClaim();
      const { saving, settle } = await saveWhileOthers(async () => {
        await others.save(customer(2, { email: A }));
      });
      await others.findOneBy({ email: B });
      await others.findBy({ country: 'FR' });
      settle.release();
      await Promise.allSettled([saving]);
      const [one] = (await others.getAll(['c1'])).values();
      const { email = '', country = '' } = one ?? {};
      expect((await others.findBy({ email })).map(({ id }) => id)).toEqual(['c1']);
      expect((await others.findBy({ country })).map(({ id }) => id)).toContain('c1');
    });

    it('has a claim that lasts as long as the entity, if the save never ends', async () => {
      const saver = gated(client);
      const reserve = saver.hold('evalsha', touching(claimOf(A)));
      const settle = saver.hold('evalsha', touching(claimOf(A)));
      const saving = slow(saver.client).save(customer(1, { email: A }), { ttl: '1h' });
      await reserve.reached;
      reserve.release();
      await settle.reached;
      const [left, claimLeft] = [await client.pttl(keyOf(1)), await client.pttl(claimOf(A))];
      settle.release();
      await saving;
      expect(claimLeft).toBeGreaterThan(left - 5_000);
    });

    it('keeps its unique value if another save of it was faster, and a third one gave it up', async () => {
      const saver = gated(client);
      const write = saver.hold('evalsha', writing(1));
      const saving = slow(saver.client).save(customer(1, { email: A }));
      await write.reached;
      await others.save(customer(1, { email: A }));
      const leaver = gated(client);
      const removal = leaver.hold('evalsha', touching(claimOf(A)));
      const leaving = slow(leaver.client).save(customer(1, { email: B }));
      await removal.reached;
      write.release();
      await saving;
      removal.release();
      await leaving;
      expect((await others.findOneBy({ email: A }))?.id).toBe('c1');
      const rival = caught(others.save(customer(2, { email: A })));
      expect((await rival).name).toBe('RedisConflictException');
    });

    it('frees its unique value at once after concurrent updates and its deletion', async () => {
      await others.save(customer(1, { email: A }));
      const updating = Array.from({ length: 8 }, (_, points) => others.update('c1', { points }));
      await Promise.all(updating);
      await others.delete('c1');
      await others.save(customer(2, { email: A }));
      expect((await others.findOneBy({ email: A }))?.id).toBe('c2');
    });

    it('is undone if it takes longer than its reservation, and its value is taken', async () => {
      await others.save(customer(1, { email: B, country: 'IT' }));
      const { saving, settle } = await saveWhileOthers(takeOver);
      settle.release();
      expect((await caught(saving)).name).toBe('RedisConflictException');
      expect((await others.findOneBy({ email: A }))?.id).toBe('c2');
      expect((await others.findOneBy({ email: B }))?.id).toBe('c1');
      expect((await others.findBy({ country: 'IT' })).map(({ id }) => id)).toEqual(['c1']);
      expect((await others.findBy({ country: 'DE' })).map(({ id }) => id)).toEqual(['c2']);
    });

    it('is found by its old values after it was undone, also if a reader cleaned up before', async () => {
      await others.save(customer(1, { email: B, country: 'IT' }));
      const { saving, settle } = await saveWhileOthers(takeOver);
      await Promise.all([others.findOneBy({ email: B }), others.findBy({ country: 'IT' })]);
      settle.release();
      await caught(saving);
      expect((await others.findOneBy({ email: B }))?.id).toBe('c1');
      expect((await others.findBy({ country: 'IT' })).map(({ id }) => id)).toEqual(['c1']);
    });

    it.each([
      ['to what was there before', () => others.save(customer(1, { email: B }))],
      ['to nothing', () => Promise.resolve()],
    ])('removes the version of its entity when it is undone, %s', async (_, before) => {
      await before();
      const { saving, settle } = await saveWhileOthers(takeOver);
      const { version } = others.dependencyOn('c1');
      await client.set(version, 'of what is undone');
      settle.release();
      expect((await caught(saving)).name).toBe('RedisConflictException');
      expect(await client.exists(version)).toBe(0);
    });

    it('leaves no key without a TTL if it updates an entity that is just deleted', async () => {
      await others.save(customer(1, { country: 'IT' }));
      const updater = gated(client);
      const look = updater.hold('pttl');
      const updating = slow(updater.client).update('c1', { country: 'DE' });
      await look.reached;
      await others.delete('c1');
      look.release();
      expect(await updating).toBeNull();
      const left = await client.pttl(keys.key('index', 'customer', 'country', 'DE'));
      expect(left).not.toBe(-1);
      expect(left).toBeLessThan(3 * 60_000);
    });

    /** The time of the reservation of A is over, and c2 gets it. */
    async function takeOver(): Promise<void> {
      const claim = String(await client.get(claimOf(A)));
      await client.set(claimOf(A), claim.replace(/:\d{13}:/, ':0000000000001:'), 'KEEPTTL');
      await others.save(customer(2, { email: A }));
    }

    /** Saves c1 with A; others act before it is written, and it is not settled yet. */
    async function saveWhileOthers(act: () => Promise<void>) {
      const saver = gated(client);
      const write = saver.hold('evalsha', writing(1));
      const saving = slow(saver.client).save(customer(1, { email: A, country: 'DE' }));
      await write.reached;
      await Promise.allSettled([act()]);
      const settle = saver.hold('evalsha', touching(claimOf(A)));
      write.release();
      await settle.reached;
      return { saving, settle };
    }
  });
});
