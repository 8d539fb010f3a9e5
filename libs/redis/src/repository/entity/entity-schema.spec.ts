import 'reflect-metadata';
import { Type } from 'class-transformer';
import { describe, expect, it } from '@jest/globals';
import { RedisConfigurationException } from '../../errors/redis-configuration.exception.js';
import type { Ttl } from '../../time/ttl.js';
import { inRange, oneOf, type Criteria } from '../criteria.js';
import type { FindByOptions } from '../entity-repository.js';
import type { RedisRepository } from '../redis-repository.js';
import { EntityId, Indexed, RedisEntity } from './entity.decorators.js';
import { schemaOf, type IdOf } from './entity-schema.js';

abstract class Base {
  @EntityId() id!: number;
  @Indexed() tenant!: string;
}

@RedisEntity({ kind: 'account', ttl: '1d' })
class Account extends Base {
  @Indexed({ unique: true }) email!: string;
}

class Plain {
  id = '';
}

const problemsOf = (entity: unknown) => {
  try {
    schemaOf(entity, 'forFeature');
  } catch (error) {
    return (error as RedisConfigurationException).problems;
  }
  throw new Error('expected a refusal');
};

describe('schemaOf', () => {
  it('knows what a class and its ancestors declare', () => {
    expect(schemaOf(Account, '')).toEqual({
      entity: Account,
      kind: 'account',
      ttlMs: 86_400_000,
      validateOnRead: false,
      id: { property: 'id', isNumber: true },
      indexes: new Map([
        ['tenant', { unique: false, range: false, path: ['tenant'] }],
        ['email', { unique: true, range: false, path: ['email'] }],
      ]),
    });
  });

  it('lets a subclass change what it inherits, and leaves the ancestor as it is', () => {
    @RedisEntity({ kind: 'admin', ttl: 'forever', validateOnRead: true })
    class Admin extends Account {
      @Indexed() declare email: string;
    }
    expect(schemaOf(Admin, '')).toMatchObject({ kind: 'admin', ttlMs: 'forever', entity: Admin });
    expect(schemaOf(Admin, '').indexes.get('email')).toMatchObject({ unique: false });
    expect(schemaOf(Account, '').indexes.get('email')).toMatchObject({ unique: true });
  });

  it('takes a number for an id where it is told to, without emitted metadata', () => {
    class Order {
      id = 0;
    }
    RedisEntity({ kind: 'order' })(Order);
    EntityId({ type: Number })(Order.prototype, 'id');
    expect(schemaOf(Order, '').id).toEqual({ property: 'id', isNumber: true });
  });

  it('says everything that is missing from a class at once', () => {
    expect(problemsOf(Plain).map(({ setting }) => setting)).toEqual([
      '@RedisEntity of Plain',
      '@EntityId of Plain',
    ]);
  });

  it.each([undefined, null])('explains that %p comes from files that import each other', (it) => {
    const [problem] = problemsOf(it);
    expect(problem?.setting).toBe('forFeature');
    expect(problem?.accepted).toContain('import each other');
  });

  it.each([
    '',
    'index',
    'unique',
    'cache',
    'lock',
    'tag',
    'counter',
    'range',
    'version',
    undefined,
  ])('refuses the kind %p', (kind) => {
    class Odd {
      id = '';
    }
    RedisEntity({ kind: kind as string })(Odd);
    EntityId()(Odd.prototype, 'id');
    expect(problemsOf(Odd)[0]?.setting).toBe('@RedisEntity of Odd: kind');
  });

  it('refuses a ttl without a unit, naming it', () => {
    class Odd {
      id = '';
    }
    RedisEntity({ kind: 'odd', ttl: 60 as unknown as Ttl })(Odd);
    EntityId()(Odd.prototype, 'id');
    expect(problemsOf(Odd)[0]).toMatchObject({ setting: 'Odd.ttl', value: '60' });
  });

  it('refuses what is never stored as an id or for an index, all of it at once', () => {
    @RedisEntity({ kind: 'computed' })
    class Computed {
      first = '';
      #last = '';
      @EntityId() get id(): string {
        return this.first;
      }
      @Indexed() get initial(): string {
        return this.first.slice(0, 1);
      }
      @Indexed() get last(): string {
        return this.#last;
      }
      set last(last: string) {
        this.#last = last;
      }
      @Indexed() greet(): string {
        return 'Hello';
      }
      @Indexed() tags!: string[];
      @Indexed() views!: bigint;
      @Indexed() byName!: Map<string, string>;
      @Indexed() account!: Account;
      @Indexed() joinedAt!: Date;
    }
    expect(problemsOf(Computed).map(({ setting, value }) => [setting, value])).toEqual([
      ['@EntityId of Computed: id', 'an accessor'],
      ['@Indexed of Computed: initial', 'an accessor'],
      ['@Indexed of Computed: last', 'an accessor'],
      ['@Indexed of Computed: greet', 'a method'],
      ['@Indexed of Computed: tags', 'of type Array'],
      ['@Indexed of Computed: views', 'of type BigInt'],
      ['@Indexed of Computed: byName', 'of type Map'],
      ['@Indexed of Computed: account', 'of type Account'],
    ]);
  });

  it('refuses a range of what has no order', () => {
    @RedisEntity({ kind: 'ranges' })
    class Ranges {
      @EntityId() id!: string;
      @Indexed({ range: true }) name!: string;
      @Indexed({ range: true }) active!: boolean;
      @Indexed({ range: true }) points!: number;
      @Indexed({ range: true }) at!: Date;
      @Indexed({ range: true }) ended!: Date | null;
    }
    expect(problemsOf(Ranges)).toEqual([
      {
        setting: '@Indexed with range of Ranges: name',
        value: 'of type String',
        accepted: 'a property that is a number or a date',
      },
      expect.objectContaining({ setting: '@Indexed with range of Ranges: active' }),
    ]);
  });

  it('refuses a path that no text, number, boolean or date stands at, as far as it is known', () => {
    class Inner {
      @Type(() => String) city!: string;
      @Type(() => String) zip!: string;
      @Type(() => Array) tags!: string[];
      @Type(() => Object) other!: object;
      @Type(() => Number) size!: number;
    }
    @RedisEntity({ kind: 'paths' })
    class Paths {
      @EntityId() id!: string;
      @Indexed({ path: 'city' })
      @Indexed({ path: 'tags' })
      @Indexed({ path: 'other.x.y' })
      @Indexed({ path: 'unknown' })
      @Indexed({ path: 'size', range: true })
      @Indexed({ path: 'zip', range: true })
      inner!: Inner;
      @Indexed({ path: 'length' }) name!: string;
      @Indexed({ path: 'x' }) any!: unknown;
    }
    expect(problemsOf(Paths).map(({ setting, value }) => [setting, value])).toEqual([
      ['@Indexed with path of Paths: inner.zip', 'of type String'],
      ['@Indexed with path of Paths: inner.tags', 'of type Array'],
      ['@Indexed with path of Paths: name.length', 'of type String'],
    ]);
  });

  it.each(['', '.', 'a.', '.a', 'a..b', 5 as unknown as string])('refuses the path %j', (path) => {
    expect(() => Indexed({ path })(Plain.prototype, 'id')).toThrow(RedisConfigurationException);
  });

  it('takes an accessor that a toJSON writes', () => {
    @RedisEntity({ kind: 'written' })
    class Written {
      @EntityId() id = '';
      @Indexed() get initial(): string {
        return this.id.slice(0, 1);
      }
      toJSON(): object {
        return { id: this.id, initial: this.initial };
      }
    }
    expect([...schemaOf(Written, '').indexes.keys()]).toEqual(['initial']);
  });

  it.each<[object, string | symbol]>([
    [Plain.prototype, Symbol('id')],
    [Plain, 'id'],
  ])('refuses to mark a property of %p that is never stored: %p', (prototype, property) => {
    expect(() => EntityId()(prototype, property)).toThrow(RedisConfigurationException);
    expect(() => Indexed()(prototype, property)).toThrow(RedisConfigurationException);
  });

  it('has types that know ids and criteria', () => {
    const id: IdOf<Account> = 1;
    // @ts-expect-error -- ids of this class are numbers
    const wrong: IdOf<Account> = '1';
    const read = (accounts: RedisRepository<Account>) => [
      accounts.getById(1),
      // @ts-expect-error -- as above
      accounts.getById('1'),
      accounts.update(1, { email: 'a' }),
      // @ts-expect-error -- there is no such property
      accounts.update(1, { phone: 'a' }),
      accounts.update(1, (account) => {
        account.email = 'a';
      }),
      accounts.update(1, async (account) => {
        account.email = await Promise.resolve('a');
      }),
      accounts.update(1, (account) => ({ email: account.email })),
      accounts.save({ id: 1, tenant: 'a', email: 'a' }, { ttl: 'forever' }),
      // @ts-expect-error -- a bare number is not a duration
      accounts.save({ id: 1, tenant: 'a', email: 'a' }, { ttl: 60 }),
    ];
    const criteria: Criteria<Account> = { email: 'a', tenant: 'b' };
    // @ts-expect-error -- a text is not a number
    const wrongCriteria: Criteria<Account> = { id: 'a' };
    expect([id, wrong, read, criteria, wrongCriteria]).toBeDefined();
  });

  it('has types that know what can be looked for in which way', () => {
    interface Player {
      id: string;
      role: 'admin' | 'user';
      active?: boolean;
      points: number | null;
      joinedAt: Date;
      tags: string[];
      home?: { city: string; geo: { lat: number; at: Date | null }; rooms: { size: number }[] };
    }
    const criteria: Criteria<Player>[] = [
      { 'home.city': 'Paris', 'home.geo.lat': inRange({ gte: 1 }) },
      { 'home.city': oneOf(['Paris', 'Rome']) },
      // @ts-expect-error -- there is no such path
      { 'home.street': 'x' },
      // @ts-expect-error -- a text has no range
      { 'home.city': inRange({ gte: 1 }) },
      // @ts-expect-error -- lists cannot be looked into
      { 'home.rooms.size': 1 },
      { role: oneOf(['admin', 'user']), active: true, points: 5 },
      { active: oneOf([true, false]) },
      { points: inRange({ gte: 1, lt: 5 }), joinedAt: inRange({ gt: new Date(0) }) },
      // @ts-expect-error -- not one of the roles
      { role: oneOf(['guest']) },
      // @ts-expect-error -- texts have no range
      { role: inRange({ gte: 'a' }) },
      // @ts-expect-error -- a date is not a number
      { joinedAt: inRange({ gte: 5 }) },
      // @ts-expect-error -- a list cannot be looked for
      { tags: oneOf(['a']) },
      // @ts-expect-error -- what JSON may hold is no condition
      { points: { gte: 5 } },
    ];
    const options: FindByOptions<Player>[] = [
      { sortBy: 'points', order: 'desc', limit: 5 },
      { sortBy: 'joinedAt' },
      { sortBy: 'home.geo.lat' },
      { sortBy: 'home.geo.at' },
      // @ts-expect-error -- texts have no order
      { sortBy: 'home.city' },
      // @ts-expect-error -- texts have no order
      { sortBy: 'role' },
    ];
    const page = (players: RedisRepository<Player>) => [
      players.pageBy({}, { sortBy: 'points' }),
      // @ts-expect-error -- pages need a sort
      players.pageBy({}, { limit: 5 }),
      players.countBy({ role: 'admin' }),
    ];
    expect([criteria, options, page]).toBeDefined();
  });
});
