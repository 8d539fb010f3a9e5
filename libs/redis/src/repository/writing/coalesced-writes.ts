import type { Connection } from '../../connection/connection.js';
import { isCluster } from '../../connection/driver/hash-slots.js';
import type { RedisScript } from '../../connection/driver/redis-script.js';
import { classifyError } from '../../connection/driver/failures/classify-error.js';
import { translateError } from '../../connection/driver/failures/translate-error.js';
import { failureOf } from '../../connection/driver/failures/command-failures.js';
import { versionBeside } from '../../keys/sibling.js';
import type { Outcome } from './entity-writer.js';

/** The most entities of one script, which takes about 3 us for each and holds up all others meanwhile. */
const MOST_ENTITIES = 128;

/** The most characters of one script, unless a single entity has more. */
const MOST_CHARACTERS = 256 * 1024;

/** A script that does the same with each of several entities. Its KEYS are an entity and its version for each. */
export interface WriteScript<Write> {
  readonly script: RedisScript;
  /** Appends the ARGV of an entity. */
  addArgs(args: string[], write: Write): void;
  /**
   * How a write fared, or what to write in a script of its own, whose error is that of the entity.
   *
   * @param i the place of the entity in the script
   */
  outcomeOf(reply: unknown, i: number, write: Write): Outcome | { readonly alone: Write };
}

interface WaitingWrite<Write> {
  readonly write: Write;
  readonly resolve: (outcome: Outcome) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Turns the writes that are asked for in one turn of the event loop into one script: to start a script
 * costs the server more than what it does for an entity, and to send one costs the process more than to write
 * down its arguments. In a cluster they are sent one by one, because a script has the keys of one hash slot.
 *
 * @internal
 */
export class CoalescedWrites<Write extends { readonly key: string; readonly text: string }> {
  readonly #connection: Connection;
  readonly #kind: WriteScript<Write>;
  readonly #most: number;
  #waiting: WaitingWrite<Write>[] = [];
  #characters = 0;

  constructor(connection: Connection, kind: WriteScript<Write>) {
    this.#connection = connection;
    this.#kind = kind;
    this.#most = isCluster(connection.client) ? 1 : MOST_ENTITIES;
  }

  /** @throws RedisException */
  write(write: Write): Promise<Outcome> {
    const { length } = write.text;
    if (this.#characters + length > MOST_CHARACTERS) this.#send();
    return new Promise((resolve, reject) => {
      this.#characters += length;
      const waiting = this.#waiting.push({ write, resolve, reject });
      if (waiting >= this.#most) this.#send();
      else if (waiting === 1) process.nextTick(this.#send);
    });
  }

  readonly #send = (): void => {
    const writes = this.#waiting;
    this.#waiting = [];
    this.#characters = 0;
    if (writes.length > 0) void this.#run(writes);
  };

  async #run(writes: readonly WaitingWrite<Write>[]): Promise<void> {
    const { script } = this.#kind;
    const keys: string[] = [];
    const args: string[] = [];
    for (const { write } of writes) {
      keys.push(write.key, versionBeside(write.key));
      this.#kind.addArgs(args, write);
    }
    let reply: unknown;
    try {
      reply = await script.run(this.#connection.client, keys, args);
    } catch (error) {
      this.#fail(writes, error);
      return;
    }
    for (let i = 0; i < writes.length; i++) {
      const { write, resolve, reject } = writes[i] as WaitingWrite<Write>;
      const outcome = this.#kind.outcomeOf(reply, i, write);
      if ('written' in outcome) resolve(outcome);
      else void this.#run([{ write: outcome.alone, resolve, reject }]);
    }
  }

  #fail(writes: readonly WaitingWrite<Write>[], error: unknown): void {
    const together = writes.length > 1;
    const mayFareBetterAlone = together && mayBeOneKeysFault(error);
    for (const one of writes) {
      if (mayFareBetterAlone) void this.#run([one]);
      else one.reject(this.#exceptionOf(together ? errorOf(one.write.key, error) : error));
    }
  }

  #exceptionOf(error: unknown): unknown {
    try {
      return this.#connection.exceptionOf(error);
    } catch (mistake) {
      return mistake; // in the program
    }
  }
}

/**
 * Whether one key may be the reason: an ACL forbids it, or the server does not have it. Nothing was written
 * then.
 */
function mayBeOneKeysFault(error: unknown): boolean {
  const kind = classifyError(error, true)?.kind;
  return kind === 'permission' || kind === 'command';
}

/** The error of a script names the key of its first entity, this exception the key of its own. */
function errorOf(key: string, error: unknown): unknown {
  const failure = failureOf(error);
  return (failure && translateError(error, { ...failure, key })) ?? error;
}
