/** Who is told when a signal aborts, by the signal. */
const waiting = new WeakMap<AbortSignal, Waiting>();

interface Waiting {
  readonly listeners: Set<() => void>;
  readonly tell: () => void;
}

/**
 * Calls a function when the signal aborts, later than this call. However many functions there are, the
 * signal has one listener of this library: Node warns of a leak at the eleventh. It has none any more
 * when each of them was taken back.
 *
 * @returns takes it back
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
 * What a promise settles with, unless the signal aborts first. The promise is not cancelled; what it does
 * after that is ignored.
 *
 * @throws the signal's reason
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
