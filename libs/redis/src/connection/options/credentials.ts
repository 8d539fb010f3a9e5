import { isError } from '../../errors/is-error.js';
import { warnOf } from '../../telemetry/warn-of.js';
import { withDeadline } from '../../time/deadline.js';
import { LONGEST_TIMER_MS } from '../../time/duration.js';
import { untilAbort } from '../../time/until-abort.js';

/** The user and the password with which a connection introduces itself. */
export interface RedisCredentials {
  /** The ACL user. @default 'default', the user that every server has */
  readonly username?: string | undefined;
  readonly password: string;
  /**
   * When the server stops accepting them, for passwords and tokens that expire. Live connections get new
   * ones before.
   * @default never
   */
  readonly expiresAt?: Date | undefined;
}

/** Called for credentials at every attempt to connect. */
export type CredentialsFunction = () => RedisCredentials | Promise<RedisCredentials>;

/** Sends AUTH over a live connection. Says `later` if AUTH would have to wait. */
export type Renewal = (username: string, password: string) => Promise<'renewed' | 'later'>;

/** The part of their lifetime after which credentials are renewed. */
const RENEW_AFTER = 0.75;
/** The shortest pause between two renewals of a connection, however soon its credentials expire. */
const LEAST_PAUSE_MS = 1_000;

/**
 * Holds the credentials of one connection whose credentials a function gives, and renews them.
 *
 * ioredis takes them as texts, hands them to every client that it makes from another (for the nodes of a
 * cluster, for a pool), and reads them when it sends HELLO or AUTH. `username` and `password` are objects
 * that become the latest text at that moment.
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
   * Calls the function. Callers that ask at the same time share its answer.
   *
   * @throws Error if the function fails, is late or gives no password
   */
  ask(): Promise<void> {
    this.#asking ??= this.#ask().finally(() => {
      this.#asking = undefined;
    });
    return this.#asking;
  }

  /**
   * Renews the credentials of a live connection before they expire. The connection has just been made with
   * the latest ones.
   *
   * @returns a function that ends the renewals, to be called when the connection is lost
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
      throw new Error('credentials() must return { username?, password, expiresAt? }');
    }
    this.#latest = given;
  }

  async #call(): Promise<unknown> {
    try {
      return await this.#give();
    } catch (error) {
      // The message is the application's, and may contain a secret.
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
        () => 'later' as const, // AUTH waits behind a command that blocks
      );
      if (outcome === 'renewed') this.#hasWarned = false;
      this.#set(renewal, outcome === 'renewed' ? this.#renewalTime() : nextTry());
    } catch (error) {
      this.#tryAgain([renewal], error);
    }
  }

  /** Plans the next renewal, unless the connection was lost meanwhile. */
  #set(renewal: Renewal, time: number): void {
    if (this.#renewals.has(renewal)) this.#renewals.set(renewal, time);
  }

  /**
   * Plans another attempt. The connection works until the server ends it. The warning is repeated only
   * after a renewal has succeeded.
   */
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

/** An object that is the secret only to `String()`: printing it shows nothing. */
function textOf(read: () => string): string {
  return { toString: read } as unknown as string;
}
