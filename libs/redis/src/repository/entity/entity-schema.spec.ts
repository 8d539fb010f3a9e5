import 'reflect-metadata';
import { describe, expect, it } from '@jest/globals';
import { RedisConfigurationException } from '../../errors/redis-configuration.exception.js';
import type { Ttl } from '../../time/ttl.js';
import type { Criteria } from '../entity-repository.js';
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
        ['tenant', { unique: false }],
        ['email', { unique: true }],
      ]),
    });
  });

  it('lets a subclass change what it inherits, and leaves the ancestor as it is', () => {
    @RedisEntity({ kind: 'admin', ttl: 'forever', validateOnRead: true })
    class Admin extends Account {
      @Indexed() declare email: string;
    }
    expect(schemaOf(Admin, '')).toMatchObject({ kind: 'admin', ttlMs: 'forever', entity: Admin });
    expect(schemaOf(Admin, '').indexes.get('email')).toEqual({ unique: false });
    expect(schemaOf(Account, '').indexes.get('email')).toEqual({ unique: true });
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

  it.each(['', 'index', 'unique', 'cache', 'lock', 'tag', 'counter', undefined])(
    'refuses the kind %p',
    (kind) => {
      class Odd {
        id = '';
      }
      RedisEntity({ kind: kind as string })(Odd);
      EntityId()(Odd.prototype, 'id');
      expect(problemsOf(Odd)[0]?.setting).toBe('@RedisEntity of Odd: kind');
    },
  );

  it('refuses a ttl without a unit, naming it', () => {
    class Odd {
      id = '';
    }
    RedisEntity({ kind: 'odd', ttl: 60 as unknown as Ttl })(Odd);
    EntityId()(Odd.prototype, 'id');
    expect(problemsOf(Odd)[0]).toMatchObject({ setting: 'Odd.ttl', value: '60' });
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
});
