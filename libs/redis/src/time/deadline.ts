/**
 * Waits for a promise, but no longer than `ms`. The promise itself is not cancelled; what it does
 * after the deadline (its rejection included) is ignored.
 *
 * @param onTimeout makes the value to return, or throws the error to reject with
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
