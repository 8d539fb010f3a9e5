import { beforeEach, describe, expect, it } from '@jest/globals';
import { Type } from 'class-transformer';
import {
  EntityId,
  Indexed,
  RedisEntity,
  RedisRepository,
  type Criteria,
  type KeyBuilder,
} from '../../src/index.js';
import { waitUntil } from '../../src/testing/wait-until.js';
import { caught } from './support/caught.js';
import { onEveryTopology } from './support/repository-servers.js';

@RedisEntity({ kind: 'account', ttl: '1h' })
class Account {
  @EntityId() id!: string;
  @Indexed({ unique: true }) email!: string;
  @Indexed({ unique: true }) phone?: string | null;
  @Indexed() country?: string | null;
  @Indexed() active?: boolean;
  @Indexed() level?: number;
  @Indexed() @Type(() => Date) born?: Date;
  note?: string;
}

const account = (n: number, changes: Partial<Account> = {}): Account => ({
  id: `${n}`,
  email: `${n}@example.com`,
  country: 'FR',
  ...changes,
});

const MINUTE = 60_000;

describe('An index', () => {
  onEveryTopology((stage) => {
    let keys: KeyBuilder;
    let accounts: RedisRepository<Account>;
    beforeEach(() => {
      keys = stage.keys();
      accounts = new RedisRepository(stage.client, keys, Account);
    });
    const setOf = (country: string) => keys.key('index', 'account', 'country', country);
    const ownershipOf = (email: string) => keys.key('unique', 'account', 'email', email);
    const size = (country: string) => stage.client.zcard(setOf(country));
    const idsBy = async (criteria: Criteria<Account>) =>
      (await accounts.findBy(criteria)).map(({ id }) => id).sort();

    it('never returns an expired entity, and removes its entry at the next search', async () => {
      await accounts.saveAll([account(1), account(2)], { ttl: '300ms' });
      await accounts.save(account(3));
      expect(await size('FR')).toBe(3);
      const areThere = () => Promise.all(['1', '2'].map((id) => accounts.exists(id)));
      await waitUntil('both have expired', async () => !(await areThere()).includes(true));
      expect(await idsBy({ country: 'FR' })).toEqual(['3']);
      expect(await size('FR')).toBe(1);
      expect(await accounts.findOneBy({ email: '1@example.com' })).toBeNull();
      expect(await stage.client.exists(ownershipOf('1@example.com'))).toBe(0);
    });

    it('ends a minute or two after the last of its entities', async () => {
      const expectEnd = async (ms: number) => {
        const left = await stage.client.pttl(setOf('FR'));
        expect(left).toBeGreaterThan(ms + MINUTE - 5_000);
        expect(left).toBeLessThanOrEqual(ms + 2 * MINUTE + 2);
      };
      await accounts.save(account(1), { ttl: '10m' });
      await expectEnd(10 * MINUTE);
      await accounts.save(account(2), { ttl: '5m' });
      await expectEnd(10 * MINUTE);
      await accounts.save(account(3), { ttl: '20m' });
      await expectEnd(20 * MINUTE);
      await accounts.update('3', { note: 'kept' });
      await expectEnd(20 * MINUTE);
      await accounts.expire('2', '40m');
      await expectEnd(40 * MINUTE);
    });

    it('never ends while one of its entities lives forever', async () => {
      await accounts.save(account(1), { ttl: 'forever' });
      await accounts.save(account(2), { ttl: '5m' });
      expect(await stage.client.pttl(setOf('FR'))).toBe(-1);
      expect(await stage.client.pttl(ownershipOf('1@example.com'))).toBe(-1);
      await accounts.update('1', { note: 'kept' });
      expect(await stage.client.pttl(setOf('FR'))).toBe(-1);
      await accounts.delete('1');
      await accounts.save(account(2), { ttl: '5m' });
      expect(await stage.client.pttl(setOf('FR'))).toBeGreaterThan(0);
    });

    it('keeps a unique value for as long as its entity lives', async () => {
      const ownershipLeft = () => stage.client.pttl(ownershipOf('1@example.com'));
      await accounts.save(account(1), { ttl: '10m' });
      expect(await ownershipLeft()).toBeGreaterThan(10 * MINUTE - 5_000);
      await accounts.update('1', { note: 'x' }, { ttl: '30m' });
      expect(await ownershipLeft()).toBeGreaterThan(30 * MINUTE - 5_000);
      await accounts.expire('1', '50m');
      expect(await ownershipLeft()).toBeGreaterThan(50 * MINUTE - 5_000);
      await accounts.expire('1', 'forever');
      expect(await ownershipLeft()).toBe(-1);
    });

    it('loses the old value with a change, and all values with a deletion', async () => {
      await accounts.save(account(1));
      await accounts.update('1', { country: 'DE', email: 'new@example.com' });
      expect([await size('FR'), await size('DE')]).toEqual([0, 1]);
      expect(await stage.client.exists(ownershipOf('1@example.com'))).toBe(0);
      await accounts.save(account(1, { country: null }));
      expect(await size('DE')).toBe(0);
      await accounts.save(account(1));
      await accounts.delete('1');
      expect(await size('FR')).toBe(0);
      expect(await stage.client.exists(ownershipOf('1@example.com'))).toBe(0);
      await accounts.saveAll([account(1), account(2)]);
      expect(await accounts.deleteAll(['1', '2'])).toBe(2);
      expect(await size('FR')).toBe(0);
    });

    it('is repaired after an entity was deleted by another program, and frees its unique values', async () => {
      await accounts.save(account(1, { phone: '1' }), { ttl: 'forever' });
      await stage.client.del(keys.key('account', '1'));
      expect(await idsBy({ country: 'FR' })).toEqual([]);
      expect(await size('FR')).toBe(0);
      await accounts.save(account(2, { email: '1@example.com', phone: '1' }));
      expect(await idsBy({ email: '1@example.com' })).toEqual(['2']);
      expect(await idsBy({ phone: '1' })).toEqual(['2']);
    });

    it('is repaired after an entity was changed by another program', async () => {
      await accounts.save(account(1));
      const changed = account(1, { email: 'changed@example.com', country: 'DE' });
      await stage.client.set(keys.key('account', '1'), JSON.stringify(changed), 'KEEPTTL');
      expect(await idsBy({ country: 'FR' })).toEqual([]);
      await accounts.save(account(2, { email: '1@example.com' }));
      expect(await idsBy({ email: '1@example.com' })).toEqual(['2']);
      await accounts.update('1', { note: 'seen' });
      expect(await idsBy({ country: 'DE' })).toEqual(['1']);
      expect(await idsBy({ email: 'changed@example.com' })).toEqual(['1']);
    });

    it('ignores an entry that points to an entity with another value', async () => {
      await accounts.saveAll([account(1), account(2, { country: 'DE' })]);
      await stage.client.zadd(setOf('FR'), 4e15, '2', 4e15, 'missing');
      const ownership = String(await stage.client.get(ownershipOf('2@example.com')));
      await stage.client.set(ownershipOf('1@example.com'), ownership);
      expect(await idsBy({ country: 'FR' })).toEqual(['1']);
      expect(await idsBy({ email: '1@example.com' })).toEqual([]);
      await accounts.save(account(1));
      expect(await idsBy({ email: '1@example.com' })).toEqual(['1']);
    });

    it('keeps a value reserved for a running save, and frees it if that never ends', async () => {
      await accounts.save(account(1, { email: 'reserved@example.com' }));
      const ownership = String(await stage.client.get(ownershipOf('reserved@example.com')));
      const until = (time: number) => ownership.replace(/:\d{13}:/, `:${time}:`);
      await stage.client.del(keys.key('account', '1'));
      await stage.client.set(ownershipOf('reserved@example.com'), until(Date.now() + 60_000));
      const heir = account(2, { email: 'reserved@example.com' });
      expect((await caught(accounts.save(heir))).name).toBe('RedisConflictException');
      expect(await accounts.findOneBy({ email: heir.email })).toBeNull();
      expect((await caught(accounts.save(heir))).name).toBe('RedisConflictException');
      await stage.client.set(ownershipOf('reserved@example.com'), until(Date.now() - 1_000));
      await accounts.save(heir);
      expect(await idsBy({ email: heir.email })).toEqual(['2']);
    });

    it('keeps two unique properties, and reserves none if one is taken', async () => {
      await accounts.saveAll([account(1, { phone: '1' }), account(2, { phone: '2' })]);
      const failure = await caught(accounts.save(account(3, { phone: '2' })));
      expect(failure).toMatchObject({ name: 'RedisConflictException', property: 'phone' });
      expect(failure.message).not.toContain('2@example.com');
      await accounts.save(account(4, { email: '3@example.com', phone: '4' }));
      expect(await idsBy({ email: '3@example.com' })).toEqual(['4']);
      expect(
        (await caught(accounts.update('1', { phone: '2', email: 'x@example.com' }))).name,
      ).toBe('RedisConflictException');
      await accounts.save(account(5, { email: 'x@example.com', phone: '5' }));
      expect(await idsBy({ phone: '1' })).toEqual(['1']);
      await accounts.update('1', { phone: null });
      await accounts.save(account(6, { phone: '1' }));
      expect(await idsBy({ phone: '1' })).toEqual(['6']);
    });

    it('can swap unique values with the help of a third value', async () => {
      await accounts.saveAll([account(1), account(2)]);
      await accounts.update('1', { email: 'meanwhile@example.com' });
      await accounts.update('2', { email: '1@example.com' });
      await accounts.update('1', { email: '2@example.com' });
      expect(await idsBy({ email: '1@example.com' })).toEqual(['2']);
      expect(await idsBy({ email: '2@example.com' })).toEqual(['1']);
    });

    it('finds booleans, numbers and dates', async () => {
      const born = new Date('2000-02-29T12:00:00.001Z');
      await accounts.saveAll([
        account(1, { active: true, level: 0, born }),
        account(2, { active: false, level: 1.5 }),
        account(3, { level: -1e21 }),
      ]);
      expect(await idsBy({ active: true })).toEqual(['1']);
      expect(await idsBy({ active: false })).toEqual(['2']);
      expect(await idsBy({ level: 0 })).toEqual(['1']);
      expect(await idsBy({ level: -0 })).toEqual(['1']);
      expect(await idsBy({ level: 1.5 })).toEqual(['2']);
      expect(await idsBy({ level: -1e21 })).toEqual(['3']);
      expect(await idsBy({ born })).toEqual(['1']);
      expect(await idsBy({ born: new Date(0) })).toEqual([]);
      expect(await idsBy({ country: 'FR', active: false, level: 1.5 })).toEqual(['2']);
      expect(await idsBy({ country: 'FR', note: 'x' })).toEqual([]);
    });

    it('finds hundreds of entities', async () => {
      const many = Array.from({ length: 1_200 }, (_, n) => account(n));
      await accounts.saveAll(many);
      expect(await idsBy({ country: 'FR' })).toEqual(many.map(({ id }) => id).sort());
    });

    it.each<[string, object]>([
      ['no criteria', {}],
      ['a property without an index', { note: 'x' }],
      ['undefined', { email: undefined }],
      ['null', { country: null }],
      ['an object', { country: { $gt: '' } }],
      ['an invalid date', { born: new Date(NaN) }],
    ])('refuses to look for %s', async (_, criteria) => {
      const failure = await caught(accounts.findBy(criteria));
      expect(failure).toMatchObject({ name: 'RedisConfigurationException' });
      expect(failure.message).toContain('findBy of account');
    });

    it('refuses values that it cannot hold, and writes nothing', async () => {
      const strange = account(1, { country: ['FR', 'DE'] as unknown as string });
      expect(await caught(accounts.save(strange))).toMatchObject({
        name: 'RedisValidationException',
        problems: [{ property: 'country' }],
      });
      expect(await accounts.exists('1')).toBe(false);
    });
  });
});
