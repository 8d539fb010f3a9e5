import {
  Catch,
  Inject,
  Injectable,
  Logger,
  Optional,
  type ArgumentsHost,
  type ExceptionFilter,
} from '@nestjs/common';
import { HttpAdapterHost, ModuleRef } from '@nestjs/core';
import { throwError, type Observable } from 'rxjs';
import { DEFAULT_CONNECTION } from '../connection/options/resolve-options.js';
import { failureOf } from '../connection/translation/command-failures.js';
import { isRedisFailure, translateError } from '../connection/translation/translate-error.js';
import { RedisException } from '../errors/redis.exception.js';
import { parseDuration, type Duration } from '../time/duration.js';
import { wordsOfError } from './logging/failure-words.js';
import { DEFAULT_LOG_POLICY, type LogPolicy } from './logging/log-policy.js';
import { TelemetryLogger } from './logging/telemetry.logger.js';
import { problemOf } from './problem-details.js';

/** Options of {@link RedisExceptionFilter}, provided under {@link REDIS_EXCEPTION_FILTER_OPTIONS}. */
export interface RedisExceptionFilterOptions {
  /**
   * The status of a RedisTimeoutException.
   * @default 503
   */
  readonly timeoutStatus?: 503 | 504;
  /**
   * What `Retry-After` tells clients to wait, rounded up to whole seconds.
   * @default '2s', the longest pause between two attempts to reconnect
   */
  readonly retryAfter?: Duration;
}

export const REDIS_EXCEPTION_FILTER_OPTIONS = 'nestjs-redis-data:ExceptionFilterOptions';

/** Matches what is Redis's, so that Nest passes everything else to the application's other filters. */
abstract class RedisFailure extends RedisException {
  static override [Symbol.hasInstance](exception: unknown): boolean {
    return isRedisFailure(exception);
  }
}

/**
 * Answers Redis failures over HTTP as `application/problem+json` (RFC 9457): exceptions of this
 * library, and raw ioredis errors of the injected clients. Host names, keys and stacks go to the log,
 * never to the client. Works on Fastify and Express. A WebSocket client gets an `exception` event;
 * RPC and GraphQL get the translated exception.
 *
 * @example
 * providers: [{ provide: APP_FILTER, useClass: RedisExceptionFilter }]
 *
 * @publicApi
 */
@Catch(RedisFailure)
@Injectable()
export class RedisExceptionFilter implements ExceptionFilter {
  readonly #logger = new Logger(RedisExceptionFilter.name);
  readonly #adapterHost: HttpAdapterHost;
  readonly #timeoutStatus: 503 | 504;
  readonly #retryAfter: string;
  readonly #modules: ModuleRef | undefined;

  constructor(
    adapterHost: HttpAdapterHost,
    @Optional()
    @Inject(REDIS_EXCEPTION_FILTER_OPTIONS)
    { timeoutStatus = 503, retryAfter = '2s' }: RedisExceptionFilterOptions = {},
    @Optional() modules?: ModuleRef,
  ) {
    this.#modules = modules;
    this.#adapterHost = adapterHost;
    this.#timeoutStatus = timeoutStatus;
    this.#retryAfter = String(Math.ceil(parseDuration(retryAfter, 'retryAfter') / 1_000));
  }

  catch(error: unknown, host: ArgumentsHost): Observable<never> | undefined {
    const exception = error instanceof RedisException ? error : translateError(error);
    if (!exception) throw error;
    switch (host.getType<string>()) {
      case 'http':
        this.#answer(exception, host);
        return undefined;
      case 'ws':
        this.#emit(exception, host);
        return undefined;
      case 'rpc':
        return throwError(() => exception);
      default:
        throw exception; // GraphQL and friends report what is thrown
    }
  }

  #answer(exception: RedisException, host: ArgumentsHost): void {
    const problem = problemOf(exception, { timeoutStatus: this.#timeoutStatus });
    this.#log(exception, problem.status);
    const { httpAdapter } = this.#adapterHost;
    const response: unknown = host.switchToHttp().getResponse();
    if (httpAdapter.isHeadersSent(response)) {
      httpAdapter.end(response);
      return;
    }
    httpAdapter.setHeader(response, 'Content-Type', 'application/problem+json');
    if (problem.status === 503 || problem.status === 504) {
      httpAdapter.setHeader(response, 'Retry-After', this.#retryAfter);
    }
    // As text: platform-express 11 gives objects another content type.
    httpAdapter.reply(response, JSON.stringify(problem), problem.status);
  }

  /** As Nest's own WebSocket filter does; an exception thrown from here would end the process. */
  #emit(exception: RedisException, host: ArgumentsHost): void {
    const problem = problemOf(exception, { timeoutStatus: this.#timeoutStatus });
    this.#log(exception, problem.status);
    const client = host.switchToWs().getClient<{ emit?(event: string, body: unknown): unknown }>();
    client.emit?.('exception', { status: 'error', message: problem.detail, code: problem.code });
  }

  /** Without the driver's error: Redis's own words may quote what was sent. */
  #log(exception: RedisException, status: number): void {
    const { stack, ...words } = wordsOfError(exception, this.#policyFor(exception));
    const entry = { msg: 'A request failed because of Redis', status, ...words };
    // A command of a client of ours is in the log already.
    if (status >= 500 && !failureOf(exception.cause)) {
      this.#logger.error({ ...entry, stack });
    } else {
      this.#logger.debug(entry);
    }
  }

  /** What may be written of the key. A filter that was not made by Nest knows no connection. */
  #policyFor({ cause }: RedisException): LogPolicy {
    const connection = failureOf(cause)?.connection ?? DEFAULT_CONNECTION;
    const logger = this.#modules?.get(TelemetryLogger, { strict: false });
    return logger?.policyOf(connection) ?? DEFAULT_LOG_POLICY;
  }
}
