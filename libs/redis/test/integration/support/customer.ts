import 'reflect-metadata';
import { Type } from 'class-transformer';
import { IsDate, IsEmail, IsInt, IsString, MinLength } from 'class-validator';
import { EntityId, Indexed, RedisEntity } from '../../../src/index.js';
import type { RepositoryContractSubject } from '../../../src/testing/index.js';

/** An entity with everything that the contract asks about. */
@RedisEntity({ kind: 'customer', ttl: '1h' })
export class Customer {
  @EntityId() @MinLength(1) id!: string;
  @IsEmail() @Indexed({ unique: true }) email!: string;
  @IsString() @Indexed() country!: string;
  @IsInt() @Indexed({ range: true }) points!: number;
  @Type(() => Date) @IsDate() since!: Date;
}

export function customer(n: number, changes: Partial<Customer> = {}): Customer {
  return Object.assign(new Customer(), {
    id: `c${n}`,
    email: `${n}@example.com`,
    country: n % 2 === 0 ? 'DE' : 'FR',
    points: n,
    since: new Date(Date.UTC(2020, 0, 1) + n),
    ...changes,
  });
}

/** All that the contract has to know, but where to open one. */
export const customers: Omit<RepositoryContractSubject<Customer>, 'open'> = {
  id: 'id',
  example: customer,
  indexed: 'country',
  unique: 'email',
  range: 'points',
  invalid: () => ({
    entity: customer(77, { email: 'nobody', points: 0.5 }),
    wrong: ['email', 'points'],
  }),
};
