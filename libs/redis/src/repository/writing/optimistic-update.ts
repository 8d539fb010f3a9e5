import { setTimeout as sleep } from 'node:timers/promises';
import { RedisConflictException } from '../../errors/redis-conflict.exception.js';
import { RedisSerializationException } from '../../errors/redis-serialization.exception.js';
import type { EntityWrite, EntityWriter } from './entity-writer.js';

/** How often an update is tried. */
const MOST_ATTEMPTS = 16;

/** The longest wait between two attempts; how long it is within that is random. */
const LONGEST_WAIT_MS = 64;

/** Makes the new text of the old one; may be called several times. */
export type Revise<R> = (
  text: string,
  key: string,
) => Promise<{ readonly text: string; readonly result: R }>;

/**
 * Reads, revises and writes on condition that nobody has written in between; else starts over, after
 * an exponentially longer random wait
 * (https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/).
 *
 * @returns `null` if there is nothing to update
 * @throws RedisConflictException when others were faster every time
 * @throws RedisSerializationException if what is stored is not UTF-8
 * @internal
 */
export async function updateOptimistically<R>(
  writer: EntityWriter,
  read: () => Promise<string | null>,
  revise: Revise<R>,
  write: Omit<EntityWrite, 'text' | 'expected'>,
): Promise<R | null> {
  for (let attempt = 1; attempt <= MOST_ATTEMPTS; attempt++) {
    const expected = await read();
    if (expected === null) return null;
    const { text, result } = await revise(expected, write.key);
    const outcome = await writer.write({ ...write, text, expected });
    if (outcome.written) return result;
    // The same text, and yet not the same bytes.
    if (outcome.current === expected)
      throw new RedisSerializationException(write.key, 'is not UTF-8');
    await sleep(Math.random() * Math.min(2 ** attempt, LONGEST_WAIT_MS));
  }
  throw new RedisConflictException(
    write.key,
    `it was changed by others during each of ${MOST_ATTEMPTS} attempts to update it`,
  );
}
