import { isError } from '../../errors/is-error.js';
import { warnOf } from '../../telemetry/warn-of.js';
import { withDeadline } from '../../time/deadline.js';
import { LONGEST_TIMER_MS } from '../../time/duration.js';
import { untilAbort } from '../../time/until-abort.js';

/** What a connection says about itself. */
export interface RedisCredentials {
  /** The ACL user. @default 'default', the user that every server has */
  readonly username?: string | undefined;
  readonly password: string;
  /**
   * When the server stops to accept them, for passwords and tokens that end. Live connections are given
   * new ones before.
   * @default never
   */
  readonly expiresAt?: Date | undefined;
}

/** Asked for credentials at every attempt to connect. */
export type CredentialsFunction = () => RedisCredentials | Promise<RedisCredentials>;

/** Sends AUTH over a live connection, unless that has to wait. */
export type Renewal = (username: string, password: string) => Promise<'renewed' | 'later'>;

/** Of the time that credentials are good for, the part after which they are renewed. */
const RENEW_AFTER = 0.75;
/** Between two renewals of a connection, however soon its credentials expire. */
const LEAST_PAUSE_MS = 1_000;

/**
 * The credentials of one connection, when a function gives them.
 *
 * ioredis takes them as texts, hands them to every client that it makes of another (of a cluster's
 * nodes, of a pool) and reads them when it says HELLO or AUTH. `username` and `password` are objects
 * that turn into the latest text then.
 *
 * @internal
 */
export class Credentials {
  readonly username: string = textOf(() => this.#latest?.username || 'default');
  readonly password: string = textOf(() => this.#latest?.password ?? '');
  readonly #give: CredentialsFunction;
  readonly #timeoutMs: number;
  readonly #renewals = new Map<Renewal, number>();
  #latest: RedisCredentials | undefined;
  #asking: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #hasWarned = false;

  /** @param timeoutMs how long the function may take */
  constructor(give: CredentialsFunction, timeoutMs: number) {
    this.#give = give;
    this.#timeoutMs = timeoutMs;
  }

  /**
   * Asks the function; callers who ask at the same time share its answer.
   *
   * @throws Error if it fails, is late or gives no password
   */
  ask(): Promise<void> {
    this.#asking ??= this.#ask().finally(() => {
      this.#asking = undefined;
    });
    return this.#asking;
  }

  /**
   * Renews a live connection, which has just been made with the latest credentials, before they expire.
   *
   * @returns a function that ends it, to be called when the connection is lost
   */
  renewBeforeExpiry(renewal: Renewal): () => void {
    this.#renewals.set(renewal, this.#renewalTime());
    this.#plan();
    return () => {
      this.#renewals.delete(renewal);
      this.#plan();
    };
  }

  async #ask(): Promise<void> {
    const deadline = AbortSignal.timeout(this.#timeoutMs);
    const given = await untilAbort(this.#call(), deadline).catch((error: unknown) => {
      if (!deadline.aborted) throw error;
      throw new Error(`credentials() gave no answer within ${this.#timeoutMs} ms`);
    });
    if (!isUsable(given)) {
      throw new Error('credentials() has to give { username?, password, expiresAt? }');
    }
    this.#latest = given;
  }

  async #call(): Promise<unknown> {
    try {
      return await this.#give();
    } catch (error) {
      // Its message is the application's, and may hold what no log should.
      const name = isError(error) ? error.name : typeof error;
      throw new Error(`credentials() failed with ${name}`, { cause: error });
    }
  }

  #renewalTime(): number {
    const { expiresAt } = this.#latest ?? {};
    if (!expiresAt) return Infinity;
    const now = Date.now();
    return now + Math.max(LEAST_PAUSE_MS, (expiresAt.getTime() - now) * RENEW_AFTER);
  }

  #plan(): void {
    clearTimeout(this.#timer);
    const next = Math.min(...this.#renewals.values());
    if (next === Infinity) return;
    const delay = Math.max(0, Math.min(next - Date.now(), LONGEST_TIMER_MS));
    this.#timer = setTimeout(() => void this.#renewDue(), delay).unref();
  }

  async #renewDue(): Promise<void> {
    const now = Date.now();
    const due = [...this.#renewals].filter(([, time]) => time <= now).map(([renewal]) => renewal);
    const asked = due.length > 0 ? this.ask() : Promise.resolve();
    await asked.then(
      () => Promise.all(due.map((renewal) => this.#renew(renewal))),
      (error: unknown) => {
        this.#tryAgain(due, error);
      },
    );
    this.#plan();
  }

  async #renew(renewal: Renewal): Promise<void> {
    const { username, password = '' } = this.#latest ?? {};
    try {
      const outcome = await withDeadline(
        renewal(username || 'default', password),
        this.#timeoutMs,
        () => 'later' as const, // behind a command that blocks
      );
      if (outcome === 'renewed') this.#hasWarned = false;
      this.#set(renewal, outcome === 'renewed' ? this.#renewalTime() : nextTry());
    } catch (error) {
      this.#tryAgain([renewal], error);
    }
  }

  /** Unless the connection was lost meanwhile. */
  #set(renewal: Renewal, time: number): void {
    if (this.#renewals.has(renewal)) this.#renewals.set(renewal, time);
  }

  /** The connection works on until the server ends it; the warning comes once until one succeeds. */
  #tryAgain(renewals: readonly Renewal[], error: unknown): void {
    const live = renewals.filter((renewal) => this.#renewals.has(renewal));
    for (const renewal of live) this.#set(renewal, nextTry());
    if (live.length === 0 || this.#hasWarned) return;
    this.#hasWarned = true;
    warnOf('Renewing the credentials of a Redis connection', error);
  }
}

function nextTry(): number {
  return Date.now() + LEAST_PAUSE_MS;
}

function isUsable(given: unknown): given is RedisCredentials {
  if (typeof given !== 'object' || given === null) return false;
  const { username, password, expiresAt } = given as Partial<Record<string, unknown>>;
  return (
    typeof password === 'string' &&
    password !== '' &&
    (username === undefined || typeof username === 'string') &&
    (expiresAt === undefined || (expiresAt instanceof Date && !Number.isNaN(expiresAt.getTime())))
  );
}

/** Printing it prints no secret; only `String()` reads it. */
function textOf(read: () => string): string {
  return { toString: read } as unknown as string;
}
