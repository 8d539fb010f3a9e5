/**
 * Waits for a promise, but not longer than `ms`. Does not cancel the promise; its outcome after the
 * deadline is ignored, also a rejection.
 *
 * @param onTimeout returns the value to resolve with, or throws the error to reject with
 * @internal
 */
export async function withDeadline<T>(
  promise: Promise<T>,
  ms: number,
  onTimeout: () => T,
): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  }).then(onTimeout);
  try {
    return await Promise.race([promise, deadline]);
  } finally {
    clearTimeout(timer);
  }
}
