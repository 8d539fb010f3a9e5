import { setTimeout as sleep } from 'node:timers/promises';
import { RedisConflictException } from '../../errors/redis-conflict.exception.js';
import { RedisSerializationException } from '../../errors/redis-serialization.exception.js';
import type { EntityWrite, EntityWriter } from './entity-writer.js';
import type { UpdateLines } from './update-lines.js';

/** The longest wait between two attempts; how long it is within that is random. */
const LONGEST_WAIT_MS = 64;

/** Makes the new text of the old one; may be called several times. */
export type Revise<R> = (
  text: string,
  key: string,
) => Promise<{ readonly text: string; readonly result: R }>;

export interface OptimisticUpdate<R> {
  readonly writer: EntityWriter;
  readonly lines: UpdateLines;
  readonly read: () => Promise<string | null>;
  readonly revise: Revise<R>;
  readonly write: Omit<EntityWrite, 'text' | 'expected'>;
  /** No attempt begins later than this, but for the first. */
  readonly timeoutMs: number;
}

/**
 * Reads, revises and writes on condition that nobody has written in between; else starts over. Updates
 * of this process wait in line for each other then, and those of several processes for an
 * exponentially longer random time
 * (https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/).
 *
 * @returns `null` if there is nothing to update
 * @throws RedisConflictException when others were faster until the time was over
 * @throws RedisSerializationException if what is stored is not UTF-8
 * @internal
 */
export async function updateOptimistically<R>(update: OptimisticUpdate<R>): Promise<R | null> {
  const { writer, lines, read, revise, write, timeoutMs } = update;
  const { key } = write;
  const deadline = performance.now() + timeoutMs;
  let leave = lines.has(key) ? await lines.enter(key, timeoutMs) : undefined;
  try {
    for (let attempt = 1; ; attempt++) {
      const expected = await read();
      if (expected === null) return null;
      const { text, result } = await revise(expected, key);
      const outcome = await writer.write({ ...write, text, expected });
      if (outcome.written) return result;
      // The same text, and yet not the same bytes.
      if (outcome.current === expected) throw new RedisSerializationException(key, 'is not UTF-8');
      const leftMs = deadline - performance.now();
      if (leftMs <= 0) throw lostTo(key, attempt, timeoutMs);
      if (leave) await sleep(Math.random() * Math.min(2 ** attempt, LONGEST_WAIT_MS));
      else leave = await lines.enter(key, leftMs);
    }
  } finally {
    leave?.();
  }
}

function lostTo(key: string, attempts: number, timeoutMs: number): RedisConflictException {
  const times = attempts === 1 ? 'the only attempt' : `each of ${attempts} attempts`;
  return new RedisConflictException(
    key,
    `it was changed by others during ${times} to update it within ${timeoutMs} ms`,
  );
}
