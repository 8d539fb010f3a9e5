const POLL_MS = 20;
const DEADLINE_MS = 30_000;

/**
 * Waits until the condition is true. An error counts as false: a server may still be starting, or an
 * assertion may not hold yet.
 *
 * @param what completes "waited 30 s until ..."
 * @throws Error naming `what`, with the last error as its cause
 * @internal
 */
export async function waitUntil(
  what: string,
  isTrue: () => boolean | Promise<boolean>,
): Promise<void> {
  const deadline = Date.now() + DEADLINE_MS;
  let cause: unknown;
  while (Date.now() < deadline) {
    try {
      if (await isTrue()) return;
    } catch (error) {
      cause = error;
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  throw new Error(`waited ${DEADLINE_MS / 1000} s until ${what}`, { cause });
}
