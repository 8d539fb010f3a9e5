import {
  Catch,
  Inject,
  Injectable,
  Logger,
  Optional,
  type ArgumentsHost,
  type ExceptionFilter,
  type OnModuleInit,
} from '@nestjs/common';
import { HttpAdapterHost, ModuleRef, ModulesContainer } from '@nestjs/core';
import { throwError, type Observable } from 'rxjs';
import { OptionReader } from '../connection/options/option-reader.js';
import { DEFAULT_CONNECTION } from '../connection/options/resolve-options.js';
import { failureOf } from '../connection/driver/failures/command-failures.js';
import { isRedisFailure, translateError } from '../connection/driver/failures/translate-error.js';
import { RedisException, type RedisErrorCode } from '../errors/redis.exception.js';
import type { Duration } from '../time/duration.js';
import { joinGateways } from './gateway-filters.js';
import { wordsOfError } from './logging/failure-words.js';
import { LineLogger } from './logging/log-line.js';
import { DEFAULT_LOG_POLICY, type LogPolicy } from './logging/log-policy.js';
import { TelemetryLogger } from './logging/telemetry.logger.js';
import { emitProblem, ReportedProblem, rpcErrorOf } from './problem-answers.js';
import { problemOf, type ProblemDetails } from './problem-details.js';

/** Options of {@link RedisExceptionFilter}, provided under {@link REDIS_EXCEPTION_FILTER_OPTIONS}. */
export interface RedisExceptionFilterOptions {
  /**
   * The status of a RedisTimeoutException, and of a RedisLoadTimeoutException.
   * @default 503
   */
  readonly timeoutStatus?: 503 | 504;
  /**
   * The time that `Retry-After` asks clients to wait, rounded up to whole seconds. At most 24 days, because
   * clients wait with timers, too.
   * @default '2s', the longest pause between two attempts to reconnect
   */
  readonly retryAfter?: Duration;
}

export const REDIS_EXCEPTION_FILTER_OPTIONS = 'nestjs-redis-data:ExceptionFilterOptions';

/** Failures of Redis or of the way to it. All other failures are the application's or its client's. */
const OF_REDIS: ReadonlySet<RedisErrorCode> = new Set([
  'REDIS_AUTHENTICATION',
  'REDIS_BATCH',
  'REDIS_COMMAND',
  'REDIS_CONNECTION',
  'REDIS_OUT_OF_MEMORY',
  'REDIS_PERMISSION',
  'REDIS_POOL_EXHAUSTED',
  'REDIS_TIMEOUT',
  'REDIS_UNAVAILABLE',
]);

function lineOf({ code }: RedisException, status: number): string {
  if (status < 500) return 'A request was refused';
  return OF_REDIS.has(code) ? 'A request failed because of Redis' : 'A request failed';
}

const OPTIONS = {
  timeoutStatus: true,
  retryAfter: true,
} as const satisfies Record<keyof RedisExceptionFilterOptions, true>;

/** Matches failures of Redis, so that Nest passes all others to the application's other filters. */
abstract class RedisFailure extends RedisException {
  static override [Symbol.hasInstance](exception: unknown): boolean {
    return isRedisFailure(exception);
  }
}

/**
 * Answers clients when Redis fails: exceptions of this library, and ioredis errors of the injected
 * clients. Host names, keys, replies and stacks go to the log, never to a client. Every transport sends the
 * same problem (RFC 9457: type, title, status, detail, code):
 *
 * - an HTTP client gets it as `application/problem+json`, on Fastify and on Express;
 * - a GraphQL error has its detail as `message`, and the rest in `extensions`;
 * - an RPC client is rejected with it, its detail also being the `message`;
 * - a WebSocket client gets an `exception` event. As `APP_FILTER` the filter also serves gateways, for
 *   which Nest does not ask global filters.
 *
 * @example
 * providers: [{ provide: APP_FILTER, useClass: RedisExceptionFilter }]
 *
 * @publicApi
 */
@Catch(RedisFailure)
@Injectable()
export class RedisExceptionFilter implements ExceptionFilter, OnModuleInit {
  readonly #logger = new LineLogger(new Logger(RedisExceptionFilter.name));
  readonly #adapterHost: HttpAdapterHost;
  readonly #timeoutStatus: 503 | 504;
  readonly #retryAfter: string;
  readonly #moduleRef: ModuleRef | undefined;
  readonly #leaveGateways: () => void = () => undefined;

  /** @throws RedisConfigurationException for an impossible or unknown option */
  constructor(
    adapterHost: HttpAdapterHost,
    @Optional()
    @Inject(REDIS_EXCEPTION_FILTER_OPTIONS)
    options: RedisExceptionFilterOptions = {},
    @Optional() moduleRef?: ModuleRef,
    @Optional() modules?: ModulesContainer,
  ) {
    this.#moduleRef = moduleRef;
    this.#adapterHost = adapterHost;
    const read = new OptionReader();
    read.refuseUnknown(options, OPTIONS, 'RedisExceptionFilter: ');
    const { timeoutStatus, retryAfter } = options;
    this.#timeoutStatus = read.oneOf('timeoutStatus', timeoutStatus, 503, [503, 504], '503 or 504');
    this.#retryAfter = String(Math.ceil(read.timeout('retryAfter', retryAfter, 2_000) / 1_000));
    read.finish();
    if (modules) this.#leaveGateways = joinGateways(modules, this);
  }

  /** Nest has read the filters of gateways before this hook. */
  onModuleInit(): void {
    this.#leaveGateways();
  }

  catch(error: unknown, host: ArgumentsHost): Observable<never> | undefined {
    const exception = error instanceof RedisException ? error : translateError(error);
    if (!exception) throw error;
    const problem = problemOf(exception, { timeoutStatus: this.#timeoutStatus });
    this.#log(exception, problem.status);
    switch (host.getType<string>()) {
      case 'http':
        this.#answer(problem, host);
        return undefined;
      case 'ws':
        emitProblem(problem, host.switchToWs()); // an exception from here would end the process
        return undefined;
      case 'rpc':
        return throwError(() => rpcErrorOf(problem));
      default:
        throw new ReportedProblem(problem); // GraphQL and friends report what is thrown
    }
  }

  #answer(problem: ProblemDetails, host: ArgumentsHost): void {
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

  /** Writes the exception without the driver's error: a reply of Redis may quote what was sent. */
  #log(exception: RedisException, status: number): void {
    const { stack, ...words } = wordsOfError(exception, this.#policyFor(exception));
    const entry = { msg: lineOf(exception, status), status, ...words };
    // The failed command of a client that the library made is in the log already.
    if (status >= 500 && !failureOf(exception.cause)) {
      this.#logger.error({ ...entry, stack });
    } else {
      this.#logger.debug(entry);
    }
  }

  /** How much of a key may be logged. A filter that Nest did not make knows no policy. */
  #policyFor({ connection = DEFAULT_CONNECTION }: RedisException): LogPolicy {
    const logger = this.#moduleRef?.get(TelemetryLogger, { strict: false });
    return logger?.policyOf(connection) ?? DEFAULT_LOG_POLICY;
  }
}
