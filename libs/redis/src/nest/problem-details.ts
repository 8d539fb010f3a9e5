import type { RedisErrorCode } from '../errors/redis.exception.js';
import type { RedisException } from '../errors/redis.exception.js';
import { RedisBatchException } from '../errors/redis-batch.exception.js';
import { RedisConflictException } from '../errors/redis-conflict.exception.js';
import { RedisValidationException } from '../errors/redis-validation.exception.js';

/** A failure as clients see it (https://www.rfc-editor.org/rfc/rfc9457); over HTTP, the body of the response. */
export interface ProblemDetails {
  /** A URI that names the kind of problem; it never changes. */
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: RedisErrorCode;
  /** The mistakes by property, for a validation failure and a taken unique value. */
  readonly errors?: readonly { readonly property: string; readonly messages: readonly string[] }[];
}

type Row = readonly [status: number, title: string, detail: string];

const BUSY = 'The service cannot reach its data at the moment. Please try again shortly.';
const OURS = 'The request could not be processed. The failure has been recorded.';
const MADE = 'The change was made. What is shown of it may be old for a while. Do not repeat it.';

/** No text here names a host, a key, a value or a command: those stay in the log. */
const PROBLEMS = {
  REDIS_AUTHENTICATION: [500, 'Internal Server Error', OURS],
  REDIS_BATCH: [500, 'Internal Server Error', OURS],
  REDIS_COMMAND: [500, 'Internal Server Error', OURS],
  REDIS_CONFIGURATION: [500, 'Internal Server Error', OURS],
  REDIS_CONFLICT: [
    409,
    'Conflict',
    'Another request changed this at the same time. Please try again.',
  ],
  REDIS_CONNECTION: [503, 'Service Unavailable', BUSY],
  REDIS_INVALIDATION: [500, 'Internal Server Error', MADE],
  REDIS_INVALID_KEY: [400, 'Bad Request', 'The identifier is empty or malformed.'],
  REDIS_KEY_NOT_FOUND: [404, 'Not Found', 'There is nothing under this identifier.'],
  REDIS_LOAD_CYCLE: [500, 'Internal Server Error', OURS],
  REDIS_LOAD_TIMEOUT: [503, 'Service Unavailable', BUSY],
  REDIS_OUT_OF_MEMORY: [503, 'Service Unavailable', BUSY],
  REDIS_PERMISSION: [500, 'Internal Server Error', OURS],
  REDIS_POOL_EXHAUSTED: [503, 'Service Unavailable', BUSY],
  REDIS_SERIALIZATION: [500, 'Internal Server Error', OURS],
  REDIS_TIMEOUT: [503, 'Service Unavailable', BUSY],
  REDIS_UNAVAILABLE: [503, 'Service Unavailable', BUSY],
  REDIS_UNCONFIRMED: [500, 'Internal Server Error', MADE],
  REDIS_VALIDATION: [400, 'Bad Request', 'Some values are not acceptable; see "errors".'],
} as const satisfies Record<RedisErrorCode, Row>;

/** The client must choose another unique value; repeating the request does not help. */
const TAKEN: Row = [409, 'Conflict', 'Some values are already taken; see "errors".'];

const TIMEOUTS: ReadonlySet<RedisErrorCode> = new Set(['REDIS_LOAD_TIMEOUT', 'REDIS_TIMEOUT']);

export interface ProblemOptions {
  /** The status of RedisTimeoutException and RedisLoadTimeoutException. */
  readonly timeoutStatus: 503 | 504;
}

/**
 * Describes an exception for a client, the same for all transports.
 *
 * @internal
 */
export function problemOf(exception: RedisException, options: ProblemOptions): ProblemDetails {
  const cause = isBatch(exception) ? worstOf(exception, options) : exception;
  const [status, title, detail] = rowOf(cause, options);
  return {
    type: `urn:nestjs-redis-data:${cause.code.replace('REDIS_', '').replaceAll('_', '-').toLowerCase()}`,
    title,
    status,
    detail,
    code: cause.code,
    ...errorsOf(cause),
  };
}

/** The properties that the client can correct. */
function errorsOf(exception: RedisException): Pick<ProblemDetails, 'errors'> {
  if (exception instanceof RedisValidationException) return { errors: exception.problems };
  if (!(exception instanceof RedisConflictException) || exception.property === undefined) return {};
  const { property } = exception;
  return { errors: [{ property, messages: [`${property} is already taken`] }] };
}

function rowOf(exception: RedisException, { timeoutStatus }: ProblemOptions): Row {
  if (exception instanceof RedisConflictException && exception.property !== undefined) return TAKEN;
  if (timeoutStatus === 504 && TIMEOUTS.has(exception.code)) {
    return [504, 'Gateway Timeout', BUSY];
  }
  return PROBLEMS[exception.code];
}

/** `instanceof` alone would leave the type parameters open. */
function isBatch(exception: RedisException): exception is RedisBatchException<unknown, unknown> {
  return exception instanceof RedisBatchException;
}

/** A batch is answered like the most serious of its failures. */
function worstOf(
  batch: RedisBatchException<unknown, unknown>,
  options: ProblemOptions,
): RedisException {
  let worst: RedisException = batch;
  let highest = 0;
  for (const error of batch.errors.values()) {
    const [status] = rowOf(error, options);
    if (status > highest) [worst, highest] = [error, status];
  }
  return worst;
}
