import { HttpException, type CallHandler } from '@nestjs/common';
import { catchError, NEVER, Observable, tap, type Subscriber } from 'rxjs';
import type { CacheKey, CacheResult, GetOrLoadOptions } from '../../cache/cache-options.js';
import type { RedisCache } from '../../cache/redis-cache.js';
import { RedisLoadTimeoutException } from '../../errors/redis-load-timeout.exception.js';
import { RedisException } from '../../errors/redis.exception.js';
import { LONGEST_DURATION_MS } from '../../time/duration.js';
import { problemOf } from '../problem-details.js';
import { NotCacheable, type HttpExchange, type XCache } from './http-exchange.js';
import type { StoredResponse } from './stored-response.js';

/** Where a response is cached, and how. */
export interface ResponseEntry {
  readonly key: CacheKey;
  readonly options: GetOrLoadOptions<StoredResponse>;
}

const X_CACHE = {
  hit: 'HIT',
  negative: 'HIT',
  stale: 'STALE',
  miss: 'MISS',
  bypass: 'BYPASS',
} as const satisfies Record<CacheResult<unknown>['status'], XCache>;

/**
 * Serves responses from a cache. The loader is the pipeline of the request that needs the response: it
 * hands the handler's value on to the interceptors around, and ends when the final text is sent.
 *
 * @internal
 */
export class ResponseCache {
  readonly #cache: RedisCache;
  /** What is being refreshed by a request of this process. */
  readonly #refreshed = new Set<string>();

  constructor(cache: RedisCache) {
    this.#cache = cache;
  }

  /** @param next what is left of the pipeline; not touched unless it is needed */
  serve(entry: ResponseEntry, exchange: HttpExchange, next: CallHandler): Observable<unknown> {
    return new Observable((subscriber) => {
      const isKept = () => this.#keptForMs(entry) > 0;
      void this.#find(entry, new PipelineRun(exchange, next, subscriber, isKept));
    });
  }

  /** The same without filling the cache: a HEAD request has no body to fill it with. */
  peek(
    { key, options }: ResponseEntry,
    exchange: HttpExchange,
    next: CallHandler,
  ): Observable<unknown> {
    return new Observable((subscriber) => {
      const run = new PipelineRun(exchange, next, subscriber, () => false);
      this.#cache.peek<StoredResponse>(key, options).then(
        (found) => {
          if (found?.value) run.answer({ ...found, value: found.value });
          else run.goOn('MISS');
        },
        (error: unknown) => run.fail(error),
      );
    });
  }

  async #find({ key, options }: ResponseEntry, run: PipelineRun): Promise<void> {
    try {
      const found = await this.#cache.resolve(key, () => run.load(), options);
      if (run.isRunning) run.end(found);
      else if (found.status !== 'stale') run.answer(found);
      else if (!(await this.#refresh({ key, options }, run))) run.answer(found);
    } catch (error) {
      run.fail(error);
    }
  }

  /**
   * Of those who find a response past its time, the first one in each process waits until it is made
   * anew, in one of them by its own pipeline: only that turns a value into what is sent. The others are
   * served what there is.
   *
   * @returns whether there is nothing left to do
   */
  async #refresh({ key, options }: ResponseEntry, run: PipelineRun): Promise<boolean> {
    const id = JSON.stringify(key, (_, value: unknown) =>
      typeof value === 'bigint' ? String(value) : value,
    );
    if (this.#refreshed.has(id)) return false;
    this.#refreshed.add(id);
    try {
      // What is past its time is not good enough any more, but the next one may be kept as long.
      const failSafe = `${this.#keptForMs({ key, options })}ms` as const;
      const strict = { ...options, staleFor: '1ms' as const, failSafe };
      const found = await this.#cache.resolve(key, () => run.load(), strict);
      run.end(found);
      return true;
    } catch (error) {
      const isLate = error instanceof RedisLoadTimeoutException && !run.isHandled;
      if (!run.isRunning || run.isHeldBack || isLate) return false;
      run.fail(error);
      return true;
    } finally {
      this.#refreshed.delete(id);
    }
  }

  /** For how long a response past its time may stand in for one that could not be made. */
  #keptForMs({ options }: ResponseEntry): number {
    const { staleForMs, failSafeMs } = this.#cache.policyOf(options);
    return Math.min(staleForMs + failSafeMs, LONGEST_DURATION_MS);
  }
}

/** Failures of handlers that were held back. Requests that shared such a load make their own response. */
const HELD = new WeakSet<Error>();

/** The way of one request: it is answered from the cache, or goes through its own pipeline. */
class PipelineRun {
  readonly #exchange: HttpExchange;
  readonly #next: CallHandler;
  readonly #subscriber: Subscriber<unknown>;
  readonly #isKept: () => boolean;
  #loading: Promise<StoredResponse> | undefined;
  #isAnswered = false;
  #isHandled = false;
  /** Whether the cache is done with it, so that no older response can stand in any more. */
  #isDecided = false;
  /** Why the handler failed, until the cache has said whether an older response stands in. */
  #held: Error | undefined;
  #settle: ((xCache: XCache) => void) | undefined;

  /** @param isKept whether there may be an older response to serve if the handler fails */
  constructor(
    exchange: HttpExchange,
    next: CallHandler,
    subscriber: Subscriber<unknown>,
    isKept: () => boolean,
  ) {
    this.#exchange = exchange;
    this.#next = next;
    this.#subscriber = subscriber;
    this.#isKept = isKept;
  }

  get isRunning(): boolean {
    return this.#loading !== undefined;
  }

  /** Whether its handler has given its value: nothing else can be sent any more. */
  get isHandled(): boolean {
    return this.#isHandled;
  }

  /** Whether its handler failed, and an older response may stand in. */
  get isHeldBack(): boolean {
    return this.#held !== undefined;
  }

  /** As the cache's loader. What was answered already has no pipeline left to load with. */
  load(): Promise<StoredResponse> {
    if (this.#isAnswered) return Promise.reject(new NotCacheable());
    if (!this.#loading) {
      this.#loading = this.#start();
      this.#loading.catch(() => undefined); // the cache may have given up waiting
    }
    return this.#loading;
  }

  /**
   * Ends with what its own pipeline sends, now that the cache is done with it; with what the cache has if
   * there is no pipeline, or if that failed or is late and an older response stands in.
   */
  end(found: CacheResult<StoredResponse>): void {
    const isLate = found.status === 'stale' && !this.#isHandled;
    if (!this.isRunning || this.#held || isLate) this.answer(found);
    else this.#decide(found.status === 'bypass' ? 'BYPASS' : 'MISS');
  }

  answer({ value, status, ageMs }: CacheResult<StoredResponse>): void {
    this.#isAnswered = true;
    this.#exchange.replaceWith(value, X_CACHE[status], ageMs);
    this.#subscriber.next(this.#exchange.valueOf(value));
    this.#subscriber.complete();
  }

  /** Without the cache. */
  goOn(xCache: XCache): void {
    this.#isAnswered = true;
    this.#exchange.mark(xCache);
    this.#subscriber.add(this.#next.handle().subscribe(this.#subscriber));
  }

  /** Those who waited for a response that is not to be cached each make their own. */
  fail(error: unknown): void {
    if (this.#held) this.#subscriber.error(this.#held);
    else if (this.isRunning) this.#decide('BYPASS');
    else if (error instanceof NotCacheable || isHeld(error)) this.goOn('BYPASS');
    else this.#subscriber.error(error);
  }

  /** What its own pipeline makes is sent when it is there, a failure included. */
  #decide(xCache: XCache): void {
    this.#isDecided = true;
    this.#settle?.(xCache);
  }

  #start(): Promise<StoredResponse> {
    const outcome = new Promise<XCache>((resolve) => {
      this.#settle = resolve;
    });
    const captured = this.#exchange.capture(outcome);
    return new Promise((resolve, reject) => {
      captured.then(resolve, reject);
      const refuse = () => {
        reject(new NotCacheable());
      };
      const handled = this.#next.handle().pipe(
        tap((value) => {
          this.#isHandled = true;
          this.#exchange.note(value);
        }),
        catchError((error: unknown) => {
          const isTooLate = this.#isHandled || this.#isDecided;
          if (isTooLate || !isServerFailure(error) || !this.#isKept()) {
            refuse();
            throw error;
          }
          this.#held = error;
          HELD.add(error);
          reject(error);
          return NEVER;
        }),
      );
      this.#subscriber.add(handled.subscribe(this.#subscriber));
    });
  }
}

/** What RFC 5861 calls an error in `stale-if-error`: not what the client has done wrong. */
function isServerFailure(error: unknown): error is Error {
  return error instanceof Error && statusOf(error) >= 500;
}

/** What Nest answers an exception with, or this library's filter. Other filters are not known here. */
function statusOf(error: Error): number {
  if (error instanceof HttpException) return error.getStatus();
  if (error instanceof RedisException) return problemOf(error, { timeoutStatus: 503 }).status;
  const { expose, status, statusCode } = error as unknown as Readonly<Record<string, unknown>>;
  const isHttpError = typeof expose === 'boolean' && status === statusCode; // of `http-errors`
  return isHttpError && typeof statusCode === 'number' ? statusCode : 500;
}

function isHeld(error: unknown): boolean {
  return error instanceof Error && HELD.has(error);
}
