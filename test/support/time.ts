import { setTimeout as sleep } from 'node:timers/promises';

import { waitUntil } from '../../libs/redis/src/testing/wait-until.js';

export { waitUntil };

/**
 * "At once", on a machine that is busy with much else: many times what anything here takes, and less than
 * what must not have been waited for, such as the command timeout (5 s), the time that a loader has (10 s),
 * or a lease, which lasts longer than both. A test whose wrong path takes less than 5 s makes that path
 * longer, or counts what happens instead.
 */
export const SOON_MS = 4_000;

/**
 * Lets time pass where time itself is meant: something has to expire, something has to take a while, or
 * nothing may happen meanwhile. To wait for an event, use `waitUntil`. A busy machine may
 * make it longer, which must not matter.
 */
export async function pass(ms: number): Promise<void> {
  await sleep(ms);
}

/** How long something took, and what came of it. */
export async function timed<T>(work: () => Promise<T>): Promise<{ ms: number; result: T }> {
  const startedAt = performance.now();
  const result = await work();
  return { ms: performance.now() - startedAt, result };
}

/**
 * The time of the first attempt that took no longer than `limitMs`, or of the fastest of 20: a busy machine
 * is slow now and then, and code that waits too long is slow each time.
 */
export async function fastEnough(limitMs: number, work: () => Promise<unknown>): Promise<number> {
  let fastest = Number.POSITIVE_INFINITY;
  for (let attempt = 0; attempt < 20 && fastest > limitMs; attempt++) {
    fastest = Math.min(fastest, (await timed(work)).ms);
  }
  return fastest;
}

/** Polls until the check passes; its last failure is the cause of the test's. */
export async function eventually(check: () => unknown): Promise<void> {
  await waitUntil('the check passes', async () => {
    await check();
    return true;
  });
}
