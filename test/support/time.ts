import { setTimeout as sleep } from 'node:timers/promises';

import { waitUntil } from '../../libs/redis/src/testing/wait-until.js';

export { waitUntil };

/**
 * "At once", on a busy machine: many times the real duration, but less than the times that must not pass,
 * such as the command timeout (5 s), the time limit of a loader (10 s), or a lease, which is longer than
 * both. If the wrong path of a test takes less than 5 s, the test must make that path longer, or count
 * events instead.
 */
export const SOON_MS = 4_000;

/**
 * Lets time pass if time itself matters: a value must expire, work must take a while, or no event may
 * happen meanwhile. To wait for an event, use `waitUntil`. A busy machine may make the time longer; a test
 * must not depend on that.
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
 * Returns the time of the first attempt within `limitMs`, or of the fastest of 20: a busy machine is slow
 * sometimes, and code that waits too long is slow each time.
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
