import { Redis } from 'ioredis';
import {
  EntityId,
  Indexed,
  KeyBuilder,
  RedisConflictException,
  RedisEntity,
  RedisRepository,
} from '../../../src/index.js';
import { pickFrom, randomNumbers } from './random.js';

@RedisEntity({ kind: 'counter-entity' })
export class Counter {
  @EntityId({ type: String }) id!: string;
  count!: number;
  @Indexed() parity!: string;
}

export interface Work {
  readonly port: number;
  readonly updates: number;
  readonly entities: number;
  readonly seed: number;
}

export const counterKeys = new KeyBuilder({ app: 'test', environment: 'processes' });

/** How many updates at a time each process has under way. */
const CALLERS = 8;

/** @returns how often each entity was updated */
export async function updateCounters({ port, updates, entities, seed }: Work) {
  const client = new Redis(port);
  const counters = new RedisRepository(client, counterKeys, Counter);
  const random = randomNumbers(seed);
  const ids = Array.from({ length: entities }, (_, i) => `${i}`);
  const made = Object.fromEntries(ids.map((id) => [id, 0]));
  let left = updates;
  const caller = async () => {
    while (left-- > 0) {
      const id = pickFrom(random, ids);
      while (!(await addOne(counters, id)));
      made[id] = (made[id] ?? 0) + 1;
    }
  };
  await Promise.all(Array.from({ length: CALLERS }, caller));
  client.disconnect();
  return made;
}

/** @returns `false` if others were faster each time */
async function addOne(counters: RedisRepository<Counter>, id: string): Promise<boolean> {
  try {
    const updated = await counters.update(id, (counter) => {
      counter.count++;
      counter.parity = counter.count % 2 === 0 ? 'even' : 'odd';
      return undefined;
    });
    if (!updated) throw new Error(`there is no counter ${id}`);
    return true;
  } catch (error) {
    if (error instanceof RedisConflictException) return false;
    throw error;
  }
}
