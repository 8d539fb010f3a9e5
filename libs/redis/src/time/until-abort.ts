/** The listeners to each signal. */
const waiting = new WeakMap<AbortSignal, Waiting>();

interface Waiting {
  readonly listeners: Set<() => void>;
  readonly tell: () => void;
}

/**
 * Calls a function when the signal aborts after this call. The signal gets one listener of this library for
 * all functions, because Node warns of a leak at the eleventh listener. The listener is removed with the
 * last function.
 *
 * @returns a function that removes the function again
 * @internal
 */
export function whenAborted(signal: AbortSignal, listener: () => void): () => void {
  const listening = waiting.get(signal) ?? listenTo(signal);
  const own = () => {
    listener();
  };
  listening.listeners.add(own);
  return () => {
    const wasLast = listening.listeners.delete(own) && listening.listeners.size === 0;
    if (!wasLast) return;
    waiting.delete(signal);
    signal.removeEventListener('abort', listening.tell);
  };
}

function listenTo(signal: AbortSignal): Waiting {
  const listeners = new Set<() => void>();
  const tell = () => {
    for (const listener of listeners) listener();
  };
  const listening = { listeners, tell };
  waiting.set(signal, listening);
  signal.addEventListener('abort', tell, { once: true });
  return listening;
}

/**
 * Waits for a promise, but not longer than until the signal aborts. Does not cancel the promise; its outcome
 * after the abort is ignored.
 *
 * @throws the reason of the signal
 * @internal
 */
export async function untilAbort<T>(
  promise: Promise<T>,
  signal: AbortSignal | undefined,
): Promise<T> {
  if (!signal) return promise;
  let takeBack: () => void = () => undefined;
  const aborted = new Promise<never>((_, reject) => {
    const abort = () => {
      reject(signal.reason as Error);
    };
    if (signal.aborted) abort();
    else takeBack = whenAborted(signal, abort);
  });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    takeBack();
  }
}
