import type { Redis } from 'ioredis';
import { sendQuietly } from '../driver/commands/quiet-command.js';
import { classifyError } from '../driver/failures/classify-error.js';
import type { ServerTime } from './link.js';
import { TrackingError } from './troubles.js';

/** How often a server that is in no cluster is asked for its role. */
const ROLE_MS = 1_000;
/** How often a server is asked for the time: clocks are set, and run apart by seconds a day. */
const CLOCK_MS = 30_000;
/** How soon a question is repeated that was not answered. */
const SOON_MS = 1_000;

/**
 * Asks a server over the data connection whether writes still go to it, and what time it is there.
 *
 * @internal
 */
export class SourceCheck {
  /** Absent if the server does not tell it. */
  serverTimeAt: ServerTime | undefined;
  readonly #source: Redis;
  readonly #keyInSlots: (() => string) | undefined;
  readonly #demoted: (error: TrackingError) => void;
  #askRoleAt = 0;
  #askClockAt = 0;

  /**
   * @param keyInSlots in a cluster: names a key that the server should have
   * @param demoted called when a server that is in no cluster turns out to be a replica
   */
  constructor(
    source: Redis,
    keyInSlots: (() => string) | undefined,
    demoted: (error: TrackingError) => void,
  ) {
    this.#source = source;
    this.#keyInSlots = keyInSlots;
    this.#demoted = demoted;
  }

  /**
   * Asks what is due. In a cluster a heartbeat waits for the answer: a node that was demoted says MOVED.
   * Elsewhere only a server that was demoted and serves on has to be found out, which has no haste.
   *
   * @returns `undefined` if there is nothing to wait for
   */
  ask(): Promise<void> | undefined {
    const now = performance.now();
    if (now >= this.#askClockAt) void this.readClock();
    if (this.#keyInSlots) return this.#checkSlots(this.#keyInSlots);
    if (now >= this.#askRoleAt) void this.#checkRole();
    return undefined;
  }

  /** Does not throw. */
  async readClock(): Promise<void> {
    const askedAt = performance.now();
    this.#askClockAt = askedAt + CLOCK_MS;
    try {
      const time = serverTimeIn(await sendQuietly(this.#source, 'time', []), askedAt);
      if (time) this.serverTimeAt = time;
      else this.#askClockAt = askedAt + SOON_MS; // a caller has the connection in a transaction
    } catch (error) {
      this.#askClockAt = momentAfter(error);
      if (this.#askClockAt === Infinity) this.serverTimeAt = undefined;
    }
  }

  async #checkSlots(keyInSlots: () => string): Promise<void> {
    await sendQuietly(this.#source, 'exists', [keyInSlots()]).catch((error: unknown) => {
      // While a slot is being moved, its owner says ASK where a key is not there.
      if (!(error as Error).message.startsWith('ASK ')) throw error;
    });
  }

  async #checkRole(): Promise<void> {
    this.#askRoleAt = performance.now() + ROLE_MS;
    try {
      const reply = await sendQuietly(this.#source, 'role', []);
      if (Array.isArray(reply) && reply[0] !== 'master') {
        this.#demoted(new TrackingError('The server is a replica.'));
      }
    } catch (error) {
      this.#askRoleAt = momentAfter(error);
    }
  }
}

/** When to repeat a question: never if an ACL or a proxy refuses it. Anything else passes, such as a freeze. */
function momentAfter(error: unknown): number {
  const kind = classifyError(error, true)?.kind;
  return kind === 'permission' || kind === 'command' ? Infinity : performance.now() + SOON_MS;
}

/** The reply to TIME: seconds and microseconds. */
function serverTimeIn(reply: unknown, atMs: number): ServerTime | undefined {
  if (!Array.isArray(reply)) return undefined;
  const [seconds, microseconds] = reply.map(Number) as [number, number];
  const serverMs = seconds * 1_000 + microseconds / 1_000;
  return Number.isFinite(serverMs) ? { serverMs, atMs } : undefined;
}
