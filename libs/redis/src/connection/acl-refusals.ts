import { classifyError } from './driver/failures/classify-error.js';

/** An ACL rarely changes, and each refusal is logged and counted as an error. */
const ASK_AGAIN_MS = 600_000;

interface Refusal {
  readonly error: unknown;
  readonly askAgainAt: number;
}

/**
 * Remembers for ten minutes which questions the ACL of a server forbids. Each connection has one.
 *
 * @internal
 */
export class AclRefusals {
  readonly #refusals = new WeakMap<object, Map<string, Refusal>>();

  /**
   * Asks a server something that an ACL may forbid. A forbidden question is not sent again for ten
   * minutes, and rejects with the same error during that time.
   *
   * @param server the client, or the node of a cluster
   * @throws what `ask` throws
   */
  async ask<T>(server: object, question: string, ask: () => Promise<T>): Promise<T> {
    const latest = this.#refusals.get(server)?.get(question);
    if (latest && performance.now() < latest.askAgainAt) throw latest.error;
    try {
      return await ask();
    } catch (error) {
      if (classifyError(error, true)?.kind === 'permission') {
        this.#remember(server, question, error);
      }
      throw error;
    }
  }

  #remember(server: object, question: string, error: unknown): void {
    const ofServer = this.#refusals.get(server) ?? new Map<string, Refusal>();
    ofServer.set(question, { error, askAgainAt: performance.now() + ASK_AGAIN_MS });
    this.#refusals.set(server, ofServer);
  }
}
