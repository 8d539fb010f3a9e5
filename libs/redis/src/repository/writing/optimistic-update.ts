import { setTimeout as sleep } from 'node:timers/promises';
import { RedisConflictException } from '../../errors/redis-conflict.exception.js';
import { RedisSerializationException } from '../../errors/redis-serialization.exception.js';
import { withDeadline } from '../../time/deadline.js';
import type { EntityWrite, EntityWriter } from './entity-writer.js';

/** The longest wait between two attempts; how long it is within that is random. */
const LONGEST_WAIT_MS = 64;

/** How long an update holds up those behind it; an update that takes longer competes with them. */
const LONGEST_TURN_MS = 100;

/** Makes the new text of the old one; may be called several times. */
export type Revise<R> = (
  text: string,
  key: string,
) => Promise<{ readonly text: string; readonly result: R }>;

/**
 * Updates entities: reads, revises and writes on condition that no other save has written in between, else
 * starts over. Updates of this process wait in line for each other then, and those of several processes
 * for an exponentially longer random time
 * (https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/).
 *
 * @internal
 */
export class OptimisticUpdates {
  readonly #lines = new UpdateLines();
  readonly #read: (key: string) => Promise<string | null>;
  readonly #writer: EntityWriter;

  constructor(read: (key: string) => Promise<string | null>, writer: EntityWriter) {
    this.#read = read;
    this.#writer = writer;
  }

  /**
   * @param timeoutMs no attempt but the first begins later than this
   * @returns `null` if there is nothing to update
   * @throws RedisConflictException when others were faster until the time was over
   * @throws RedisSerializationException if what is stored is not UTF-8
   */
  async update<R>(
    write: Omit<EntityWrite, 'text' | 'expected'>,
    revise: Revise<R>,
    timeoutMs: number,
  ): Promise<R | null> {
    const { key } = write;
    const deadline = performance.now() + timeoutMs;
    let leave = this.#lines.has(key) ? await this.#lines.enter(key, timeoutMs) : undefined;
    try {
      for (let attempt = 1; ; attempt++) {
        const expected = await this.#read(key);
        if (expected === null) return null;
        const { text, result } = await revise(expected, key);
        const outcome = await this.#writer.write({ ...write, text, expected });
        if (outcome.written) return result;
        // The same text, and yet not the same bytes.
        if (outcome.current === expected) {
          throw new RedisSerializationException(key, 'is not UTF-8');
        }
        const leftMs = deadline - performance.now();
        if (leftMs <= 0) throw lostTo(key, attempt, timeoutMs);
        if (leave) await sleep(Math.random() * Math.min(2 ** attempt, LONGEST_WAIT_MS));
        else leave = await this.#lines.enter(key, leftMs);
      }
    } finally {
      leave?.();
    }
  }
}

function lostTo(key: string, attempts: number, timeoutMs: number): RedisConflictException {
  const times = attempts === 1 ? 'the only attempt' : `each of ${attempts} attempts`;
  return new RedisConflictException(
    key,
    `it was changed by others during ${times} to update it within ${timeoutMs} ms`,
  );
}

/**
 * Lets updates of one entity go one after the other once they have met: each of them would else undo
 * the work of all others, and start over. There is one line for each key with updates.
 *
 * The line makes updates fast, the condition of the write makes them safe: an update that is slow, or
 * that waits for another one of the same entity, loses its turn and not more.
 */
class UpdateLines {
  readonly #ends = new Map<string, Promise<void>>();

  /** Whether an update of this key is under way or waits. */
  has(key: string): boolean {
    return this.#ends.has(key);
  }

  /**
   * Waits for those before, for `timeoutMs` at most.
   *
   * @returns to be called when the update is done
   */
  async enter(key: string, timeoutMs: number): Promise<() => void> {
    const before = this.#ends.get(key) ?? Promise.resolve();
    let leave = (): void => undefined;
    const turn = new Promise<void>((resolve) => (leave = resolve));
    const end = before.then(() => turn);
    this.#ends.set(key, end);
    void end.then(() => {
      if (this.#ends.get(key) === end) this.#ends.delete(key);
    });
    await withDeadline(before, timeoutMs, leave);
    const turnIsOver = setTimeout(leave, LONGEST_TURN_MS);
    return () => {
      clearTimeout(turnIsOver);
      leave();
    };
  }
}
