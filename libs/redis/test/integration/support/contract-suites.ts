import { it } from '@jest/globals';
import { EntityId, Indexed, RedisEntity } from '../../../src/index.js';
import { expiringCases } from '../../../src/testing/contract/expiring.cases.js';
import { repositoryContract } from '../../../src/testing/index.js';
import { Customer, customers } from './customer.js';
import type { Stage } from './repository-servers.js';

/** Its ids are numbers, it has no unique values and no rules, and it lives forever. */
@RedisEntity({ kind: 'measurement', ttl: 'forever' })
class Measurement {
  @EntityId() id!: number;
  @Indexed() sensor!: number;
  @Indexed({ range: true }) value!: number;
  comment?: string;
}

/** Nothing but an id and a text: what is written by one plain command. */
@RedisEntity({ kind: 'note' })
class Note {
  @EntityId() id!: string;
  text!: string;
}

/**
 * The contract, for every kind of entity that is stored in a way of its own. The cases that wait for an
 * expiry wait side by side.
 *
 * @param wait how time passes, unless by waiting: the cases run one after the other then
 */
export function contractSuites(
  stage: Pick<Stage, 'repository'>,
  wait?: (ms: number) => Promise<void>,
): void {
  const common = wait && { wait };
  const suites = {
    'with unique, indexed and validated properties': repositoryContract<Customer>({
      ...customers,
      ...common,
      open: () => stage.repository(Customer),
    }),
    'with numbers as ids': repositoryContract<Measurement>({
      ...common,
      open: () => stage.repository(Measurement),
      id: 'id',
      indexed: 'sensor',
      range: 'value',
      example: (n) => ({ id: n, sensor: n % 2, value: n / 3, comment: `${n}.` }),
    }),
    'without indexes': repositoryContract<Note>({
      ...common,
      open: () => stage.repository(Note),
      id: 'id',
      example: (n) => ({ id: `n${n}`, text: `${n}` }),
    }),
  };
  for (const [kind, cases] of Object.entries(suites)) {
    for (const { name, run } of cases) {
      const waits = wait === undefined && waiting.has(name);
      (waits ? it.concurrent : it)(`${kind}: ${name}`, run);
    }
  }
}

const waiting = new Set(expiringCases.map(({ name }) => name));
