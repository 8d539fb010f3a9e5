import { beforeEach, describe, expect, it } from '@jest/globals';
import { Transform, Type, type TransformFnParams } from 'class-transformer';
import {
  EntityId,
  Indexed,
  inRange,
  oneOf,
  RedisEntity,
  RedisRepository,
  type Criteria,
  type FindByOptions,
  type KeyBuilder,
  type PageByOptions,
  type RedisClient,
} from '../../src/index.js';
import { rankOf } from '../../src/repository/indexes/rank.js';
import { waitUntil } from '../../src/testing/wait-until.js';
import { caught } from './support/caught.js';
import { pickFrom, randomNumbers } from './support/random.js';
import { onEveryTopology, onOneServer } from './support/repository-servers.js';

class Home {
  city?: string;
  size?: number;
  @Type(() => Date) since?: Date;
  @Transform(({ value }: TransformFnParams) => String(value).toLowerCase()) street?: string;
}

@RedisEntity({ kind: 'player', ttl: '1h' })
class Player {
  @EntityId() id!: string;
  @Indexed({ range: true }) points?: number | null;
  @Indexed({ range: true }) @Type(() => Date) joinedAt?: Date;
  @Indexed({ range: true, unique: true }) rank?: number;
  @Indexed() team?: string;
  note?: string;
  @Type(() => Home)
  @Indexed({ path: 'city' })
  @Indexed({ path: 'size', range: true })
  @Indexed({ path: 'since', range: true })
  @Indexed({ path: 'street' })
  home?: Home | null;
}

const player = (n: number, changes: Partial<Player> = {}): Player => ({
  id: `${n}`,
  points: n,
  ...changes,
});

const MINUTE = 60_000;

describe('An index with range', () => {
  onEveryTopology((stage) => {
    let keys: KeyBuilder;
    let players: RedisRepository<Player>;
    let range: string;
    let ends: string;
    beforeEach(() => {
      keys = stage.keys();
      players = new RedisRepository(stage.client, keys, Player);
      range = keys.key('range', 'player', 'points');
      ends = keys.sibling(range, 'ends');
    });
    const sizes = () => Promise.all([stage.client.zcard(range), stage.client.zcard(ends)]);
    const idsBy = async (criteria: Criteria<Player>, options?: FindByOptions<Player>) => {
      const ids = (await players.findBy(criteria, options)).map(({ id }) => id);
      return options?.sortBy ? ids : ids.sort();
    };
    const pages = async (criteria: Criteria<Player>, options: PageByOptions<Player>) => {
      const found: string[] = [];
      let cursor: string | null = null;
      do {
        const page = await players.pageBy(criteria, { ...options, cursor });
        found.push(...page.entities.map(({ id }) => id));
        cursor = page.cursor;
      } while (cursor !== null);
      return found;
    };

    it('has a member for each value, which never ends before the entity', async () => {
      await players.save(player(1, { points: 5 }), { ttl: '10m' });
      const member = 'c0140000000000001';
      expect(await stage.client.zrange(range, '0', '-1', 'WITHSCORES')).toEqual([member, '0']);
      const score = Number(await stage.client.zscore(ends, member));
      expect(score - Date.now()).toBeGreaterThan(11 * MINUTE - 5_000);
      expect(score - Date.now()).toBeLessThanOrEqual(12 * MINUTE + 2);
    });

    it('ends, with both of its sets, a minute or two after the last of its entities', async () => {
      const expectEnd = async (ms: number) => {
        for (const key of [range, ends]) {
          const left = await stage.client.pttl(key);
          expect(left).toBeGreaterThan(ms + MINUTE - 5_000);
          expect(left).toBeLessThanOrEqual(ms + 2 * MINUTE + 2);
        }
      };
      await players.save(player(1), { ttl: '10m' });
      await expectEnd(10 * MINUTE);
      await players.save(player(2), { ttl: '5m' });
      await expectEnd(10 * MINUTE);
      await players.update('2', { note: 'kept' });
      await expectEnd(10 * MINUTE);
      await players.expire('2', '40m');
      await expectEnd(40 * MINUTE);
      await players.delete('2');
      await expectEnd(10 * MINUTE);
      await players.save(player(3), { ttl: 'forever' });
      for (const key of [range, ends]) expect(await stage.client.pttl(key)).toBe(-1);
      await players.delete('3');
      await expectEnd(10 * MINUTE);
    });

    it('never returns an expired entity, and removes its entry at the next search', async () => {
      await players.saveAll([player(1), player(2)], { ttl: '300ms' });
      await players.save(player(3));
      expect(await sizes()).toEqual([3, 3]);
      const areThere = () => Promise.all(['1', '2'].map((id) => players.exists(id)));
      await waitUntil('both have expired', async () => !(await areThere()).includes(true));
      expect(await idsBy({ points: inRange({ gte: 0 }) })).toEqual(['3']);
      expect(await sizes()).toEqual([1, 1]);
    });

    it('loses the old value with a change, and all values with a deletion', async () => {
      await players.save(player(1));
      await players.update('1', { points: 2 });
      expect(await sizes()).toEqual([1, 1]);
      expect(await idsBy({ points: 1 })).toEqual([]);
      expect(await idsBy({ points: 2 })).toEqual(['1']);
      await players.save(player(1, { points: null }));
      expect(await sizes()).toEqual([0, 0]);
      await players.saveAll([player(1), player(2), player(3)]);
      await players.delete('1');
      expect(await players.deleteAll(['2', '3'])).toBe(2);
      expect(await sizes()).toEqual([0, 0]);
    });

    it('is repaired after an entity was deleted or changed by another program', async () => {
      await players.saveAll([player(1), player(2)], { ttl: 'forever' });
      await stage.client.del(keys.key('player', '1'));
      await stage.client.set(keys.key('player', '2'), JSON.stringify(player(2, { points: 9 })));
      expect(await players.countBy({ points: inRange({ gte: 0 }) })).toBe(0);
      expect(await sizes()).toEqual([0, 0]);
      await players.update('2', { note: 'seen' });
      expect(await idsBy({}, { sortBy: 'points' })).toEqual(['2']);
    });

    it('is repaired where only one of its sets has an entry', async () => {
      await players.saveAll([player(1), player(2)]);
      const [member = ''] = await stage.client.zrange(range, '0', '0');
      await stage.client.zadd(range, 0, `${member.slice(0, 16)}2`, 0, `${member}missing`);
      expect(await idsBy({}, { sortBy: 'points' })).toEqual(['1', '2']);
      expect(await sizes()).toEqual([2, 2]);
      await stage.client.del(ends);
      await players.delete('1');
      expect(await stage.client.zcard(range)).toBe(1);
      await players.save(player(2));
      expect(await sizes()).toEqual([1, 1]);
    });

    it('drops a hundred expired entries with each write', async () => {
      const expired = Array.from({ length: 250 }, (_, n) => `c0${String(n).padStart(14, '0')}gone`);
      await stage.client.zadd(range, ...expired.flatMap((member) => [0, member]));
      await stage.client.zadd(ends, ...expired.flatMap((member) => [1_000, member]));
      await players.save(player(1));
      const [left, end] = await sizes();
      expect([51, 151]).toContain(left); // in a cluster each save adds its entries twice
      expect(end).toBe(left);
      await players.save(player(1));
      await players.save(player(1));
      expect(await sizes()).toEqual([1, 1]);
    });

    it('finds and sorts numbers of every size, and dates', async () => {
      const numbers = [-Number.MAX_VALUE, -5, -0.5, 0, 1e-300, 0.1, 2, 10, 1e21, Number.MAX_VALUE];
      const sorted = numbers.map((points, n) =>
        player(n, { points, joinedAt: new Date(Date.UTC(1960 + 10 * n, 1, 29)) }),
      );
      await players.saveAll([...sorted].reverse());
      const ids = sorted.map(({ id }) => id);
      expect(await idsBy({}, { sortBy: 'points' })).toEqual(ids);
      expect(await idsBy({}, { sortBy: 'points', order: 'desc' })).toEqual([...ids].reverse());
      expect(await idsBy({ points: inRange({ gt: -5, lte: 0.1 }) })).toEqual(['2', '3', '4', '5']);
      expect(await idsBy({ points: -0 })).toEqual(['3']);
      expect(await idsBy({}, { sortBy: 'joinedAt' })).toEqual(ids);
      const seventies = inRange({ gte: new Date('1970'), lt: new Date('1980') });
      expect(await idsBy({ joinedAt: seventies })).toEqual(['1']);
      const [first] = sorted;
      expect(await idsBy({ joinedAt: first?.joinedAt as Date })).toEqual(['0']);
      expect(
        await idsBy({ points: oneOf([2, 10, 11]), joinedAt: inRange({ lt: new Date(0) }) }),
      ).toEqual([]);
    });

    it('sorts equal values by id, and pages through them', async () => {
      const ids = ['a', 'b', 'é', '\uffee', '😀', 'a:b', '{x}', '*'];
      const all = ids.map((id) => Object.assign(player(1), { id }));
      await players.saveAll(all);
      const once = await idsBy({}, { sortBy: 'points' });
      expect([...once].sort()).toEqual([...ids].sort());
      expect(await pages({}, { sortBy: 'points', limit: 1 })).toEqual(once);
      const few = { team: oneOf(['x', 'y']) };
      await players.saveAll(all.map(({ id, points }) => ({ id, points, team: 'x' }) as Player));
      expect(await pages(few, { sortBy: 'points', limit: 3 })).toEqual(once);
      const backwards = await pages(few, { sortBy: 'points', limit: 3, order: 'desc' });
      expect(backwards).toEqual([...once].reverse());
    });

    it('goes on after any id, as many times as it takes', async () => {
      const ids = ['a', '\uffee', '𐀀', '😀', '😁', '😂', '😃'];
      for (const sought of ids) {
        await players.saveAll(
          ids.map((id) => Object.assign(player(1), { id, note: id === sought ? 'this' : '' })),
        );
        for (const order of ['asc', 'desc'] as const) {
          const sorted = { sortBy: 'points', order, limit: 1 } as const;
          expect(await idsBy({ note: 'this' }, sorted)).toEqual([sought]);
          expect(await idsBy({ note: 'this', points: oneOf([0, 1, 2]) }, sorted)).toEqual([sought]);
        }
      }
    });

    it('can be unique, too', async () => {
      await players.saveAll([player(1, { rank: 1 }), player(2, { rank: 2 })]);
      expect((await caught(players.save(player(3, { rank: 2 })))).name).toBe(
        'RedisConflictException',
      );
      expect(await idsBy({}, { sortBy: 'rank', order: 'desc' })).toEqual(['2', '1']);
      expect(await idsBy({ rank: 2 })).toEqual(['2']);
      expect(await idsBy({ rank: oneOf([1, 2, 3]) }, { sortBy: 'points' })).toEqual(['1', '2']);
      await players.delete('2');
      await players.save(player(3, { rank: 2 }));
      expect(await idsBy({ rank: inRange({ gte: 2 }) })).toEqual(['3']);
    });

    it('has values of nested objects, and follows their changes', async () => {
      const home = (city: string, size: number): Home =>
        Object.assign(new Home(), { city, size, since: new Date(size) });
      await players.saveAll([
        player(1, { home: home('Paris', 30) }),
        player(2, { home: home('Paris', 20) }),
        player(3, { home: home('Rome', 10) }),
        player(4, { home: null }),
        player(5),
      ]);
      expect(await idsBy({ 'home.city': 'Paris' })).toEqual(['1', '2']);
      expect(await idsBy({ 'home.city': 'Paris' }, { sortBy: 'home.size' })).toEqual(['2', '1']);
      expect(await idsBy({}, { sortBy: 'home.since' })).toEqual(['3', '2', '1']);
      const early = inRange({ lt: new Date(25) });
      expect(await idsBy({ 'home.since': early, 'home.city': oneOf(['Paris']) })).toEqual(['2']);
      await players.update('1', { home: home('Rome', 5) });
      expect(await idsBy({ 'home.city': 'Paris' })).toEqual(['2']);
      expect(await idsBy({}, { sortBy: 'home.size', order: 'desc' })).toEqual(['2', '3', '1']);
      await players.delete('1');
      expect(await stage.client.exists(keys.key('index', 'player', 'home.city', 'Rome'))).toBe(1);
      expect(await players.countBy({ 'home.size': inRange({ lt: 10 }) })).toBe(0);
    });

    it('refuses a nested value that its class makes another of', async () => {
      const saving = players.save(
        player(1, { home: Object.assign(new Home(), { street: 'MAIN' }) }),
      );
      expect(await caught(saving)).toMatchObject({
        name: 'RedisSerializationException',
        path: '$.home.street',
      });
      await players.save(player(1, { home: Object.assign(new Home(), { street: 'main' }) }));
      expect(await idsBy({ 'home.street': 'main' })).toEqual(['1']);
    });

    it('gives the same, whichever index is used', async () => {
      const random = randomNumbers(3);
      const teams = ['many', 'many', 'many', 'few'];
      const all = Array.from({ length: 1_100 }, (_, n) => {
        const points = n % 50 === 0 ? null : Math.floor(random() * 300);
        return player(n, { points, team: n < 100 ? pickFrom(random, teams) : 'many' });
      });
      await players.saveAll(all);
      for (const team of ['many', 'few']) {
        const meant = all.filter(
          (one) => one.team === team && typeof one.points === 'number' && one.points >= 100,
        );
        const place = ({ points, id }: Player) => [points ?? 0, id] as const;
        meant.sort((a, b) => {
          const [[pointsA, idA], [pointsB, idB]] = [place(a), place(b)];
          return pointsA - pointsB || (idA < idB ? -1 : 1);
        });
        const ids = meant.map(({ id }) => id);
        const criteria = { team, points: inRange({ gte: 100 }) };
        expect(await idsBy(criteria, { sortBy: 'points' })).toEqual(ids);
        expect(await pages(criteria, { sortBy: 'points', limit: 70 })).toEqual(ids);
        expect(await idsBy(criteria)).toEqual([...ids].sort());
        expect(await players.countBy(criteria)).toBe(ids.length);
        const [last] = await idsBy(criteria, { sortBy: 'points', order: 'desc', limit: 1 });
        expect(last).toBe(ids.at(-1));
      }
      const some = await idsBy({ team: 'many', points: inRange({ lt: 150 }) }, { limit: 120 });
      expect(new Set(some).size).toBe(120);
      expect(await idsBy({ team: oneOf(['few', 'none']) }, { limit: 1_000 })).toEqual(
        all.flatMap(({ id, team }) => (team === 'few' ? id : [])).sort(),
      );
    });

    it('gives entities that stay once, and in order, while others come, go and move', async () => {
      const standing = Array.from({ length: 60 }, (_, n) => player(n * 10));
      await players.saveAll(standing);
      const random = randomNumbers(11);
      let isOver = false;
      const write = async (): Promise<void> => {
        const moving = `moving${Math.floor(random() * 20)}`;
        const points = Math.floor(random() * 600);
        if (random() < 0.7) await players.save(Object.assign(player(0), { id: moving, points }));
        else await players.delete(moving);
        if (!isOver) await write();
      };
      const writing = Promise.all([write(), write(), write()]);
      try {
        for (const order of ['asc', 'desc', 'asc', 'desc'] as const) {
          const found = await pages({}, { sortBy: 'points', limit: 4, order });
          const stayed = found.filter((id) => !id.startsWith('moving'));
          const meant = standing.map(({ id }) => id);
          expect(stayed).toEqual(order === 'asc' ? meant : meant.reverse());
        }
      } finally {
        isOver = true;
        await writing;
      }
    });

    it('goes on after an entity that has expired since', async () => {
      await players.saveAll([1, 2, 3, 4, 5, 6, 7].map((n) => player(n)));
      const first = await players.pageBy({}, { sortBy: 'points', limit: 4 });
      expect(first.entities.map(({ id }) => id)).toEqual(['1', '2', '3', '4']);
      for (const id of ['2', '4', '6']) {
        await players.expire(id, '1ms');
        await waitUntil('it has expired', async () => !(await players.exists(id)));
      }
      const rest = await players.pageBy({}, { sortBy: 'points', cursor: first.cursor });
      expect(rest.entities.map(({ id }) => id)).toEqual(['5', '7']);
      expect(rest.cursor).toBeNull();
    });

    it('tells of data that is no entity', async () => {
      await players.saveAll([player(1), player(2), player(3)]);
      await stage.client.set(keys.key('player', '2'), '{');
      const failure = await caught(players.findBy({}, { sortBy: 'points' }));
      expect(failure).toMatchObject({ name: 'RedisBatchException' });
      expect([...(failure as unknown as { errors: Map<string, Error> }).errors.keys()]).toEqual([
        '2',
      ]);
      const page = players.pageBy({}, { sortBy: 'points' });
      expect((await caught(page)).name).toBe('RedisSerializationException');
      const corrupt: string[] = [];
      const { entities } = await players.pageBy(
        {},
        { sortBy: 'points', onCorrupt: ({ message }) => corrupt.push(message) },
      );
      expect(entities.map(({ id }) => id)).toEqual(['1', '3']);
      expect(corrupt).toHaveLength(1);
      expect(await players.countBy({ points: inRange({ gt: 0 }) })).toBe(2);
    });

    it('refuses values that it cannot hold, and writes nothing', async () => {
      const strange = player(1, { points: 'many' as unknown as number });
      expect(await caught(players.save(strange))).toMatchObject({
        name: 'RedisValidationException',
        problems: [{ property: 'points' }],
      });
      expect(await players.exists('1')).toBe(false);
    });

    it('refuses pages without a sort', async () => {
      const unsorted = players.pageBy({ team: 'x' }, {} as PageByOptions<Player>);
      expect(await caught(unsorted)).toMatchObject({
        name: 'RedisConfigurationException',
        message: expect.stringContaining('sortBy of pageBy of player'),
      });
    });
  });

  onOneServer((stage) => {
    it('ends a page early after ten thousand entries, and goes on behind them', async () => {
      const keys = stage.keys();
      const players = new RedisRepository(stage.client, keys, Player);
      await saveQuickly(stage.client, keys, 10_700);
      const sort = { sortBy: 'points', limit: 5 } as const;
      const sought = { note: 'none', team: 'many' };
      const first = await players.pageBy(sought, sort);
      expect(first.entities).toEqual([]);
      expect(first.cursor).not.toBeNull();
      const second = await players.pageBy(sought, { ...sort, cursor: first.cursor });
      expect(second).toEqual({ entities: [], cursor: null });
      const { entities } = await players.pageBy({ team: 'rare' }, sort);
      expect(entities.map(({ id }) => id)).toEqual(['10600']);
      expect(await players.countBy({ points: inRange({ gte: 5 }), team: 'many' })).toBe(10_694);
    });
  });
});

/** Writes players with their entries, of whom one is in a rare team, in a few commands. */
async function saveQuickly(client: RedisClient, keys: KeyBuilder, count: number): Promise<void> {
  const all = Array.from({ length: count }, (_, n) => {
    return player(n, { team: n === 10_600 ? 'rare' : 'many' });
  });
  for (let from = 0; from < count; from += 1_000) {
    const some = all.slice(from, from + 1_000);
    await client.mset(some.flatMap((one) => [keys.key('player', one.id), JSON.stringify(one)]));
    const members = some.map(({ id, points }) => `${rankOf(points)}${id}`);
    await client.zadd(
      keys.key('range', 'player', 'points'),
      ...members.flatMap((member) => [0, member]),
    );
    for (const team of ['many', 'rare']) {
      const ids = some.flatMap((one) => (one.team === team ? [4e15, one.id] : []));
      if (ids.length > 0) await client.zadd(keys.key('index', 'player', 'team', team), ...ids);
    }
  }
}
