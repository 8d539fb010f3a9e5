import { setTimeout as sleep } from 'node:timers/promises';

import { startRedis, type RedisTestServer } from 'nestjs-redis-data/testing';

import { Chance } from '../chaos/chance.js';
import type { ShownUser } from '../chaos/user-history.js';
import { startPostgres, type PostgresTestServer } from '../support/postgres.js';
import { DatabaseView } from './database-view.js';
import { Instance } from './instance.js';
import { InstanceCaller } from './instance-caller.js';
import { INSTANCE_FAULTS, type FaultScene, type InstanceFault } from './instance-faults.js';
import { RECOVERY_MS } from './times.js';
import { versionOf, Witness, type Finding, type Watched } from './witness.js';

export interface InstancesOptions {
  readonly seed: number;
  /** In this order, over and over until the time is over; each at least once. */
  readonly faults: readonly InstanceFault[];
  /** @default once */
  readonly forMs?: number;
  /** How long nothing happens between two faults. @default 1,500 */
  readonly calmMs?: number;
  readonly onFault?: (fault: InstanceFault) => void;
}

export interface InstancesResult {
  readonly findings: readonly Finding[];
  readonly counts: Readonly<Record<string, number>>;
  readonly longestMs: Readonly<Record<string, number>>;
  readonly seconds: number;
}

const CALLERS = 10;
/** How many of them change nothing. */
const READERS = 3;
/** Between two requests of a caller; all callers together make some 400 requests per second. */
const THINK_MS = 40;
/** Redis keeps cached values, and whether they are valid, when it is killed. */
const DURABLE = ['--appendonly', 'yes', '--appendfsync', 'no'];

/** Two instances of the users API on one Redis and one PostgreSQL, under traffic, while all of them fail. */
export async function runInstances(options: InstancesOptions): Promise<InstancesResult> {
  const startedAt = performance.now();
  const run = await InstancesRun.start(options);
  try {
    await run.run();
  } finally {
    await run.stop();
  }
  const { counts, findings, longestMs } = run.witness;
  return { counts, findings, longestMs, seconds: (performance.now() - startedAt) / 1_000 };
}

class InstancesRun {
  readonly witness = new Witness();
  readonly #users: Watched[] = [];
  readonly #chance: Chance;
  readonly #database: DatabaseView;
  #isOver = false;
  #isStorm = false;

  static async start(options: InstancesOptions): Promise<InstancesRun> {
    const redis = await startRedis({ args: DURABLE });
    const postgres = await startPostgres();
    const env = { REDIS_URL: redis.url, DATABASE_URL: postgres.url };
    try {
      const instances = [await Instance.start(env), await Instance.start(env)];
      return new InstancesRun(options, redis, postgres, env, instances);
    } catch (error) {
      await Promise.all([redis.stop(), postgres.stop()]);
      throw error;
    }
  }

  private constructor(
    private readonly options: InstancesOptions,
    private readonly redis: RedisTestServer,
    private readonly postgres: PostgresTestServer,
    private readonly env: Readonly<Record<string, string>>,
    /** Those that are up. */
    private instances: readonly Instance[],
  ) {
    this.#chance = new Chance(options.seed);
    this.#database = new DatabaseView(postgres.url);
  }

  async run(): Promise<void> {
    const callers = Array.from({ length: CALLERS }, (_, n) => this.#call(n));
    try {
      await this.#suffer();
    } finally {
      this.#isOver = true;
      await Promise.all(callers);
    }
    await this.#audit();
  }

  async stop(): Promise<void> {
    await Promise.all(this.instances.map((instance) => instance.stop()));
    await this.#database.close();
    await Promise.all([this.redis.stop(), this.postgres.stop()]);
  }

  async #suffer(): Promise<void> {
    const { calmMs = 1_500, faults, forMs = 0, onFault } = this.options;
    const until = performance.now() + forMs;
    const scene: FaultScene = {
      redis: this.redis,
      postgres: this.postgres,
      witness: this.witness,
      chance: this.#chance,
      killInstance: () => this.#killInstance(),
    };
    do {
      for (const fault of this.#chance.shuffle(faults)) {
        await sleep(calmMs + this.#pauseForCalm());
        onFault?.(fault);
        await INSTANCE_FAULTS[fault](scene);
      }
    } while (performance.now() < until);
    await sleep(calmMs);
  }

  /** Now and then all is well for long enough that reads can be compared with the database. */
  #pauseForCalm(): number {
    return this.#chance.next() < 0.4 ? RECOVERY_MS : 0;
  }

  async #call(n: number): Promise<void> {
    const caller = new InstanceCaller(`caller-${n}`, n < READERS, {
      witness: this.witness,
      database: this.#database,
      instances: () => this.instances,
      users: this.#users,
      chance: new Chance(this.options.seed, n),
      isStorm: () => this.#isStorm,
    });
    while (!this.#isOver) {
      await caller.act();
      await sleep(THINK_MS * this.#chance.next());
    }
  }

  async #killInstance(): Promise<void> {
    const victim = this.#chance.pick(this.instances);
    this.#isStorm = true;
    await sleep(this.#chance.between(200, 600));
    const trouble = this.witness.trouble({ victim: 'instance', what: 'an instance is killed' });
    this.instances = this.instances.filter((instance) => instance !== victim);
    await victim.kill();
    this.#isStorm = false;
    this.instances = [...this.instances, await Instance.start(this.env)];
    trouble.end();
  }

  /** When all is quiet: nothing is lost, and both instances show what the database has. */
  async #audit(): Promise<void> {
    const { witness } = this;
    const rows = await this.#database.allUsers();
    for (const user of this.#users) {
      const row = rows.get(user.history.id);
      witness.audited(user, row);
      for (const instance of this.instances) {
        const answer = await instance.api.request('GET', `/users/${user.history.id}`);
        if (!witness.answered(answer, 'read', instance, 200, 404)) continue;
        const seen = answer.status === 404 ? null : (answer.json as ShownUser);
        witness.saw(user, seen, answer, 'audit', row && versionOf(row));
      }
    }
  }
}
