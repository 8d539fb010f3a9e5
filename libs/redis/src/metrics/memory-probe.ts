import { connectionOf } from '../connection/connection.js';
import { readServerMemory, type ServerMemory } from '../connection/server-memory.js';
import type { RedisClient } from '../connection/options/options.js';
import { withDeadline } from '../time/deadline.js';

/** However many scrape, and however often. */
const ASK_AGAIN_MS = 10_000;

/** How long a scrape waits: Prometheus gives up after 10 s, and takes nothing of it then. */
const PATIENCE_MS = 250;

/**
 * Asks the server behind a connection for its memory, seldom, and waits for the answer, not long.
 * One that was late is not waited for again until it has answered, so that a frozen server delays one
 * scrape.
 */
export class MemoryProbe {
  readonly #client: RedisClient;
  #askAgainAt = 0;
  #answering: Promise<void> | undefined;
  #latest: ServerMemory | undefined;
  #isLate = false;

  constructor(client: RedisClient) {
    this.#client = client;
  }

  /** @returns `undefined` if it is not known, or was not asked for lately enough */
  async read(): Promise<ServerMemory | undefined> {
    if (this.#client.status !== 'ready') return undefined;
    if (!this.#answering && performance.now() >= this.#askAgainAt) this.#answering = this.#ask();
    if (this.#answering && !this.#isLate) {
      await withDeadline(this.#answering, PATIENCE_MS, () => {
        this.#isLate = true;
      });
    }
    return this.#latest;
  }

  async #ask(): Promise<void> {
    this.#askAgainAt = performance.now() + ASK_AGAIN_MS;
    this.#latest = undefined;
    try {
      this.#latest = await readServerMemory(connectionOf(this.#client));
      this.#isLate = false;
    } catch {
      // It is not known, and why has been announced with the command.
    } finally {
      this.#answering = undefined;
    }
  }
}
