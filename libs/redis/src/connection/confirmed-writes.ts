import { RedisUnconfirmedException } from '../errors/redis-unconfirmed.exception.js';
import type { Connection } from './connection.js';
import { ReplicatedWrites, type ReplicaDemand } from './driver/replicated-writes.js';
import type { RedisScript } from './driver/redis-script.js';

export type { ReplicaDemand };

/**
 * Sends the writes of one connection that replicas have to confirm. Opens a client for them with the first
 * one, and anew after it was closed. Users that demand the same share the client.
 *
 * @internal
 */
export class ConfirmedWrites {
  readonly #connection: Connection;
  readonly #byDemand = new Map<string, ReplicatedWrites>();
  #hasAnyConfirmed = false;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /**
   * Runs a script that writes, and waits until replicas have what it wrote.
   *
   * @param script must write in any case
   * @throws the driver's error
   * @throws RedisUnconfirmedException if the primary has executed it, and too few replicas have it
   */
  async run(
    demand: ReplicaDemand,
    script: RedisScript,
    keys: readonly string[],
    args: readonly (string | Buffer)[],
  ): Promise<unknown> {
    const writes = this.#writesFor(demand);
    const { commandTimeoutMs: timeoutMs } = this.#connection;
    await writes.takesWrites(timeoutMs, () =>
      this.#connection.lateException({ operation: 'eval', timeoutMs }),
    );
    try {
      const reply = await writes.run(script, keys, args);
      this.#hasAnyConfirmed = true;
      return reply;
    } catch (error) {
      if (error instanceof RedisUnconfirmedException) this.#warn(error);
      throw error;
    }
  }

  /** Closes the clients, once what they are doing is done. The next write opens one again. */
  async close(): Promise<void> {
    const all = [...this.#byDemand.values()];
    this.#byDemand.clear();
    await Promise.all(all.map((writes) => writes.close(LONGEST_CLOSE_MS)));
  }

  #writesFor(demand: ReplicaDemand): ReplicatedWrites {
    const id = `${demand.replicas} ${demand.timeoutMs}`;
    let writes = this.#byDemand.get(id);
    if (!writes || writes.hasEnded) {
      writes = new ReplicatedWrites(this.#connection.name, demand, (stage) =>
        this.#connection.createCompanion(stage),
      );
      this.#byDemand.set(id, writes);
    }
    return writes;
  }

  /** The listener repeats none of these. */
  #warn({ reason, confirmed }: RedisUnconfirmedException): void {
    const { name: connection, telemetry } = this.#connection;
    const isNew = confirmed === 0 && !this.#hasAnyConfirmed;
    if (reason === 'refused') {
      telemetry.announce({ type: 'connection.warning', connection, about: 'wait-refused' });
    } else if (reason === 'late' && isNew) {
      telemetry.announce({ type: 'connection.warning', connection, about: 'no-replica-confirms' });
    }
  }
}

/** As long as the outbox of the caches tries. */
const LONGEST_CLOSE_MS = 2_000;
