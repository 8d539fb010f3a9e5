import { failureOf } from '../../connection/driver/failures/command-failures.js';
import { translateError } from '../../connection/driver/failures/translate-error.js';
import { isError } from '../../errors/is-error.js';
import { RedisCommandException } from '../../errors/redis-command.exception.js';
import { RedisException } from '../../errors/redis.exception.js';
import { RedisLoadCycleException } from '../../errors/redis-load-cycle.exception.js';
import { keyForLog, type LogPolicy } from './log-policy.js';

/** The fields of a log line about a failure. */
export interface FailureWords {
  readonly error: string;
  /** The reply of Redis to a command that it did not accept, without the parts that it quotes. */
  readonly reply?: string;
  readonly code?: string;
  readonly stack?: string;
}

/** The facts of a failed command that may be logged. */
export interface FailedCommand {
  readonly connection: string;
  readonly operation?: string | undefined;
  readonly key?: string | undefined;
  /** The address of the server, if the error does not know it. */
  readonly address?: { readonly host: string; readonly port: number };
}

const UNKNOWN = { host: 'unknown host', port: 0 };
const LONGEST_REPLY = 200;

/** The parts of a reply that may be of the caller: what is quoted, numbers, and what follows a colon. */
const NOT_OURS = /'[^]*'|"[^]*"|`[^]*`|(?<=: )[^]+|-?\d[\d.,]*/g;

/** Commands whose error replies are in the words of a script's author. */
const SCRIPTS = /^(eval|evalsha|fcall)(_ro)?$/;

/**
 * Says of a driver error what is safe to log: the words of the exception that it becomes, with the key only
 * as it may be logged. The driver's own words may name the ACL user.
 */
export function wordsOfDriverError(error: Error, failed: FailedCommand): FailureWords {
  const { connection, operation, key } = failed;
  const { address = failed.address ?? UNKNOWN, timeoutMs = 0, reason } = failureOf(error) ?? {};
  const exception = translateError(error, {
    connection,
    address,
    timeoutMs,
    reason,
    ...(operation !== undefined && { operation }),
    ...(key !== undefined && { key }),
  });
  // An error that does not translate is a mistake in a call, such as a TypeError.
  return exception ? wordsOf(exception) : { error: error.message };
}

/** Says what is safe to log of an error that has reached the library's callers, or comes from them. */
export function wordsOfError(error: Error, policy: LogPolicy): FailureWords;
export function wordsOfError(error: unknown, policy: LogPolicy): FailureWords | undefined;
export function wordsOfError(error: unknown, policy: LogPolicy): FailureWords | undefined {
  if (!isError(error)) return undefined;
  const failure = failureOf(error);
  if (failure) {
    return wordsOfDriverError(error, { ...failure, key: keyForLog(failure.key, policy) });
  }
  const words = wordsOf(error);
  const hide = (text: string) =>
    keysIn(error).reduce((hidden, key) => {
      const shown = `"${keyForLog(key, policy) ?? '*'}"`;
      return hidden.replaceAll(`"${key}"`, () => shown);
    }, text);
  return {
    ...words,
    error: hide(words.error),
    ...(words.stack !== undefined && { stack: hide(words.stack) }),
  };
}

/** The keys that the message of an exception of this library may name. */
function keysIn(error: Error): readonly string[] {
  if (error instanceof RedisLoadCycleException) return error.path;
  const { key } = error as { key?: unknown };
  return error instanceof RedisException && typeof key === 'string' ? [key] : [];
}

function wordsOf(error: Error): FailureWords {
  return {
    error: error.message,
    ...(error instanceof RedisCommandException && replyOf(error)),
    ...(error instanceof RedisException && { code: error.code }),
    ...(error.stack !== undefined && { stack: error.stack }),
  };
}

function replyOf({ cause, operation = '', reply }: RedisCommandException): { reply?: string } {
  if (!isError(cause) || cause.name !== 'ReplyError') return {};
  if (SCRIPTS.test(operation)) return { reply };
  return { reply: cause.message.replace(NOT_OURS, "'...'").slice(0, LONGEST_REPLY) };
}
