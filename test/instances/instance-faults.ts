import { setTimeout as sleep } from 'node:timers/promises';

import type { RedisTestServer } from 'nestjs-redis-data/testing';

import type { PostgresTestServer } from '../support/postgres.js';
import { ask } from '../chaos/ask.js';
import type { Chance } from '../chaos/chance.js';
import type { Witness } from './witness.js';

export interface FaultScene {
  readonly redis: RedisTestServer;
  readonly postgres: PostgresTestServer;
  readonly witness: Witness;
  readonly chance: Chance;
  /** Kills one of the instances in the middle of a storm of changes, and starts it again. */
  readonly killInstance: () => Promise<void>;
}

export const INSTANCE_FAULTS = {
  'Redis is killed, and comes back': async ({ redis, witness, chance }) => {
    const trouble = witness.trouble({ victim: 'Redis', what: 'Redis is killed' });
    await redis.kill();
    await sleep(chance.between(1_000, 3_000));
    await redis.restart();
    trouble.end();
  },
  'Redis is frozen': async ({ redis, witness, chance }) => {
    const trouble = witness.trouble({ victim: 'Redis', what: 'Redis is frozen' });
    redis.freeze();
    await sleep(chance.between(1_000, 3_000));
    redis.thaw();
    trouble.end();
  },
  'Redis is flushed': async ({ redis, witness, chance }) => {
    for (let times = 0; times < 4; times++) {
      const trouble = witness.trouble({ victim: 'Redis', what: 'Redis is flushed' });
      await ask(redis, 'FLUSHALL');
      trouble.end();
      await sleep(chance.between(50, 300));
    }
  },
  'an instance is killed while users are changed': async ({ killInstance }) => {
    await killInstance();
  },
  'an instance is killed while Redis is away': async ({ redis, witness, killInstance, chance }) => {
    const trouble = witness.trouble({ victim: 'Redis', what: 'Redis is killed, an instance too' });
    await redis.kill();
    await sleep(chance.between(200, 1_000));
    await killInstance();
    await redis.restart();
    trouble.end();
  },
  'PostgreSQL is frozen': async ({ postgres, witness, chance }) => {
    const trouble = witness.trouble({ victim: 'database', what: 'PostgreSQL is frozen' });
    postgres.freeze();
    await sleep(chance.between(2_500, 4_500)); // statements are given up after 3 s
    postgres.thaw();
    trouble.end();
  },
  'PostgreSQL is killed, and comes back': async ({ postgres, witness, chance }) => {
    const trouble = witness.trouble({ victim: 'database', what: 'PostgreSQL is killed' });
    await postgres.kill();
    await sleep(chance.between(500, 2_000));
    await postgres.restart();
    trouble.end();
  },
} satisfies Record<string, (scene: FaultScene) => Promise<void>>;

export type InstanceFault = keyof typeof INSTANCE_FAULTS;
