import { describe, it } from '@jest/globals';
import { EntityId, Indexed, RedisEntity } from '../../../src/index.js';
import { repositoryContract } from '../../../src/testing/index.js';
import { Customer, customers } from './customer.js';
import type { Stage } from './repository-servers.js';

/** Its ids are numbers, it has no unique values and no rules, and it lives forever. */
@RedisEntity({ kind: 'measurement', ttl: 'forever' })
class Measurement {
  @EntityId() id!: number;
  @Indexed() sensor!: number;
  value!: number;
  comment?: string;
}

/** Nothing but an id and a text: what is written by one plain command. */
@RedisEntity({ kind: 'note' })
class Note {
  @EntityId() id!: string;
  text!: string;
}

/** The contract, for every kind of entity that is stored in a way of its own. */
export function contractSuites(stage: Stage): void {
  describe('with unique, indexed and validated properties', () => {
    const open = () => stage.repository(Customer);
    const cases = repositoryContract<Customer>({ ...customers, open });
    it.each(cases)('$name', ({ run }) => run());
  });

  describe('with numbers as ids', () => {
    const cases = repositoryContract<Measurement>({
      open: () => stage.repository(Measurement),
      id: 'id',
      indexed: 'sensor',
      example: (n) => ({ id: n, sensor: n % 2, value: n / 3, comment: `${n}.` }),
    });
    it.each(cases)('$name', ({ run }) => run());
  });

  describe('without indexes', () => {
    const cases = repositoryContract<Note>({
      open: () => stage.repository(Note),
      id: 'id',
      example: (n) => ({ id: `n${n}`, text: `${n}` }),
    });
    it.each(cases)('$name', ({ run }) => run());
  });
}
