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

/** The key under which a response is cached, and the options. */
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
 * passes the handler's value to the interceptors around it, and ends when the final text is sent.
 *
 * @internal
 */
export class ResponseCache {
  readonly #cache: RedisCache;
  /** The keys that a request of this process refreshes at the moment. */
  readonly #refreshed = new Set<string>();

  constructor(cache: RedisCache) {
    this.#cache = cache;
  }

  /**
   * Serves a response from the cache, or makes it with the rest of the pipeline.
   *
   * @param next the rest of the pipeline, which runs only if it is needed
   */
  serve(entry: ResponseEntry, exchange: HttpExchange, next: CallHandler): Observable<unknown> {
    const near = this.#near(entry, exchange);
    if (near) return near;
    return new Observable((subscriber) => {
      const isKept = () => this.#keptForMs(entry) > 0;
      void this.#find(entry, new PipelineRun(exchange, next, subscriber, isKept));
    });
  }

  /** Serves a HEAD request: it never fills the cache, because it has no body. */
  peek(entry: ResponseEntry, exchange: HttpExchange, next: CallHandler): Observable<unknown> {
    const near = this.#near(entry, exchange);
    if (near) return near;
    const { key, options } = entry;
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

  /** Answers from the copy in the process. */
  #near({ key, options }: ResponseEntry, exchange: HttpExchange): Observable<unknown> | undefined {
    const found = this.#cache.near<StoredResponse>(key, options);
    if (!found) return undefined;
    const value = exchange.answer(found.value, X_CACHE[found.status], found.ageMs);
    // Not before the other requests that have arrived are read: answers written in between cost half of the
    // throughput of a route (docs/adr/0060).
    return new Observable((subscriber) => {
      setImmediate(emit, subscriber, value);
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
   * Refreshes a stale response. The first request of each process that finds it waits for the new one, which
   * the pipeline of one of them makes: only a pipeline turns a value into a response. All others are served
   * the stale one.
   *
   * @returns `false` if this request is still to be served the stale one
   */
  async #refresh({ key, options }: ResponseEntry, run: PipelineRun): Promise<boolean> {
    const id = JSON.stringify(key, (_, value: unknown) =>
      typeof value === 'bigint' ? String(value) : value,
    );
    if (this.#refreshed.has(id)) return false;
    this.#refreshed.add(id);
    try {
      // The stale response is no answer to this load, but the new one may be kept as long.
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

  /** How long a stale response may replace one that could not be made. */
  #keptForMs({ options }: ResponseEntry): number {
    const { staleForMs, failSafeMs } = this.#cache.policyOf(options);
    return Math.min(staleForMs + failSafeMs, LONGEST_DURATION_MS);
  }
}

/** Failures of handlers that are held back. Requests that shared such a load make their own response. */
const HELD = new WeakSet<Error>();

/** Answers one request from the cache, or by its own pipeline. */
class PipelineRun {
  readonly #exchange: HttpExchange;
  readonly #next: CallHandler;
  readonly #subscriber: Subscriber<unknown>;
  readonly #isKept: () => boolean;
  #loading: Promise<StoredResponse> | undefined;
  #isAnswered = false;
  #isHandled = false;
  /** Whether the cache has decided, so that an older response can no longer replace this one. */
  #isDecided = false;
  /** The handler's failure, until the cache has decided whether an older response replaces it. */
  #held: Error | undefined;
  #settle: ((xCache: XCache) => void) | undefined;

  /** @param isKept whether an older response may be served if the handler fails */
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

  /** Whether the handler has returned its value: its response must be sent now. */
  get isHandled(): boolean {
    return this.#isHandled;
  }

  /** Whether the handler failed, and an older response may replace it. */
  get isHeldBack(): boolean {
    return this.#held !== undefined;
  }

  /** The cache's loader. A request that was answered already has no pipeline to load with. */
  load(): Promise<StoredResponse> {
    if (this.#isAnswered) return Promise.reject(new NotCacheable());
    if (!this.#loading) {
      this.#loading = this.#start();
      this.#loading.catch(() => undefined); // the cache may have given up waiting
    }
    return this.#loading;
  }

  /**
   * Sends the response of its own pipeline, now that the cache has decided. Sends the cached one if no
   * pipeline runs, or if it failed or is late and an older response replaces it.
   */
  end(found: CacheResult<StoredResponse>): void {
    const isLate = found.status === 'stale' && !this.#isHandled;
    if (!this.isRunning || this.#held || isLate) this.answer(found);
    else this.#decide(found.status === 'bypass' ? 'BYPASS' : 'MISS');
  }

  answer({ value, status, ageMs }: CacheResult<StoredResponse>): void {
    this.#isAnswered = true;
    this.#subscriber.next(this.#exchange.answer(value, X_CACHE[status], ageMs));
    this.#subscriber.complete();
  }

  /** Runs the pipeline without the cache. */
  goOn(xCache: XCache): void {
    this.#isAnswered = true;
    this.#exchange.mark(xCache);
    this.#subscriber.add(this.#next.handle().subscribe(this.#subscriber));
  }

  /** Requests that waited for a response that must not be cached each make their own. */
  fail(error: unknown): void {
    if (this.#held) this.#subscriber.error(this.#held);
    else if (this.isRunning) this.#decide('BYPASS');
    else if (error instanceof NotCacheable || isHeld(error)) this.goOn('BYPASS');
    else this.#subscriber.error(error);
  }

  /** Lets the pipeline send its response, or its failure, as soon as it has one. */
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

function emit(subscriber: Subscriber<unknown>, value: unknown): void {
  subscriber.next(value);
  subscriber.complete();
}

/** Whether RFC 5861 calls it an error in `stale-if-error`: a mistake of the client is none. */
function isServerFailure(error: unknown): error is Error {
  return error instanceof Error && statusOf(error) >= 500;
}

/** The status that Nest, or this library's filter, answers with. Other filters are not known here. */
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
