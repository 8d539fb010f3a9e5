import { classifyError } from './driver/failures/classify-error.js';

/** An ACL seldom changes, and each refusal is logged and counted as an error. */
const ASK_AGAIN_MS = 600_000;

interface Refusal {
  readonly error: unknown;
  readonly askAgainAt: number;
}

/** By the client, or the node of a cluster, and by the question. */
const refusals = new WeakMap<object, Map<string, Refusal>>();

/**
 * Asks a server something that an ACL may forbid. What was forbidden is not asked again for ten minutes,
 * whoever wants to know, and rejects with the same error meanwhile.
 *
 * @param server the client, or the node of a cluster
 * @throws what `ask` throws
 * @internal
 */
export async function askUnlessRefused<T>(
  server: object,
  question: string,
  ask: () => Promise<T>,
): Promise<T> {
  const latest = refusals.get(server)?.get(question);
  if (latest && performance.now() < latest.askAgainAt) throw latest.error;
  try {
    return await ask();
  } catch (error) {
    if (classifyError(error, true)?.kind === 'permission') remember(server, question, error);
    throw error;
  }
}

function remember(server: object, question: string, error: unknown): void {
  const ofServer = refusals.get(server) ?? new Map<string, Refusal>();
  ofServer.set(question, { error, askAgainAt: performance.now() + ASK_AGAIN_MS });
  refusals.set(server, ofServer);
}
