import { mayBeOneKeysFault } from '../../batch/multi-key.js';
import { NO_SLOT } from '../../batch/read-command.js';
import type { Connection } from '../../connection/connection.js';
import { isCluster, slotOf } from '../../connection/driver/hash-slots.js';
import { LocalChanges } from '../../connection/local-changes.js';
import { RedisException } from '../../errors/redis.exception.js';
import type { EntryKeys } from './claim-command.js';
import { FILL } from './scripts.js';

/** An entry to store, if the lease is still held under the token. */
export interface Fill {
  readonly keys: EntryKeys;
  readonly token: string;
  readonly bytes: Buffer;
  readonly liveMs: number;
}

/** Stores an entry, and is told whether it is stored. */
export interface FillSink {
  readonly fill: Fill;
  /** Called as the command is answered, and before the sink is told anything. */
  heard(slot: number, failure: RedisException | undefined): void;
  answered(isStored: boolean): void;
  failed(error: unknown): void;
}

/** The most entries of one command, and the bytes beyond which it takes no further one. */
const MOST = 128;
const MOST_BYTES = 128 * 1024;

/**
 * Turns the entries that are to be stored in one tick into one command; in a cluster into one for each hash
 * slot.
 *
 * If the command fails, and one of the keys may be the cause, each entry is stored on its own.
 *
 * @internal
 */
export class Fills {
  readonly #connection: Connection;
  readonly #changes: LocalChanges;
  readonly #isCluster: boolean;
  #collected: SharedFill[] = [];

  constructor(connection: Connection) {
    this.#connection = connection;
    this.#changes = connection.part(LocalChanges);
    this.#isCluster = isCluster(connection.client);
  }

  /** Sends it at the end of this tick. */
  add(sink: FillSink): void {
    const slot = this.#isCluster ? slotOf(sink.fill.keys.entry) : NO_SLOT;
    if (this.#collected.length === 0) process.nextTick(this.#send);
    let shared = this.#collected.findLast((one) => one.slot === slot);
    if (!shared?.hasRoom) this.#collected.push((shared = new SharedFill(slot)));
    shared.add(sink);
  }

  readonly #send = (): void => {
    const collected = this.#collected;
    this.#collected = [];
    for (const { slot, sinks } of collected) void this.#store(slot, sinks);
  };

  async #store(slot: number, sinks: readonly FillSink[]): Promise<void> {
    let stored: boolean[];
    try {
      stored = await this.#fill(sinks);
    } catch (error) {
      this.#failed(slot, sinks, error);
      return;
    }
    sinks.forEach((sink, i) => {
      sink.heard(slot, undefined);
      sink.answered(stored[i] === true);
    });
  }

  /** @throws RedisException */
  async #fill(sinks: readonly FillSink[]): Promise<boolean[]> {
    const { client } = this.#connection;
    const entries: string[] = [];
    const keys: string[] = [];
    const args: (string | Buffer)[] = [];
    for (const { fill } of sinks) {
      const { keys: of, token, bytes, liveMs } = fill;
      entries.push(of.entry);
      keys.push(of.entry, of.lease);
      args.push(token, bytes, `${Math.round(liveMs)}`);
    }
    const stored = await this.#changes.around(entries, () =>
      this.#connection.run(() => FILL.run(client, keys, args)),
    );
    return (stored as unknown[]).map(isFilled);
  }

  #failed(slot: number, sinks: readonly FillSink[], error: unknown): void {
    const failure = error instanceof RedisException ? error : undefined;
    if (sinks.length > 1 && failure && mayBeOneKeysFault(failure)) {
      for (const sink of sinks) void this.#store(slot, [sink]);
      return;
    }
    for (const sink of sinks) {
      sink.heard(slot, failure);
      sink.failed(error);
    }
  }
}

/** Whether this is the answer for an entry that is stored. A client may be set to give numbers as strings. */
export function isFilled(answer: unknown): boolean {
  return Number(answer) === 1;
}

/** The entries of one command. */
class SharedFill {
  readonly sinks: FillSink[] = [];
  readonly slot: number;
  #bytes = 0;

  constructor(slot: number) {
    this.slot = slot;
  }

  get hasRoom(): boolean {
    return this.sinks.length < MOST && this.#bytes < MOST_BYTES;
  }

  add(sink: FillSink): void {
    this.sinks.push(sink);
    this.#bytes += sink.fill.bytes.length;
  }
}
