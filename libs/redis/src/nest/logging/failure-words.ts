import { failureOf } from '../../connection/translation/command-failures.js';
import { translateError } from '../../connection/translation/translate-error.js';
import { isError } from '../../errors/is-error.js';
import { RedisCommandException } from '../../errors/redis-command.exception.js';
import { RedisException } from '../../errors/redis.exception.js';
import { keyForLog } from './key-for-log.js';
import type { LoggedKeys } from './log-policy.js';

/** What a line says about a failure. */
export interface FailureWords {
  readonly error: string;
  /** What Redis answered to a command that it did not accept, without what it quotes. */
  readonly reply?: string;
  readonly code?: string;
  readonly stack?: string;
}

/** What a failed command was, as far as it may be written. */
export interface FailedCommand {
  readonly connection: string;
  readonly operation?: string;
  readonly key?: string | undefined;
}

const LONGEST_REPLY = 200;

const UNKNOWN = { host: 'unknown host', port: 0 };

/**
 * What is safe to say about an error of the driver: the words of the exception that it becomes, which
 * knows the key only as it may be written. Redis's own words may name the ACL user.
 */
export function wordsOfDriverError(
  error: Error,
  { connection, operation, key }: FailedCommand,
): FailureWords {
  const { address = UNKNOWN, timeoutMs = 0 } = failureOf(error) ?? {};
  const exception = translateError(error, {
    connection,
    address,
    timeoutMs,
    ...(operation !== undefined && { operation }),
    ...(key !== undefined && { key }),
  });
  // What does not translate is a mistake in a call, such as a TypeError.
  return exception ? wordsOf(exception) : { error: error.message };
}

/** What is safe to say about an error that has reached the library's callers, or comes from them. */
export function wordsOfError(error: Error, keys: LoggedKeys): FailureWords;
export function wordsOfError(error: unknown, keys: LoggedKeys): FailureWords | undefined;
export function wordsOfError(error: unknown, keys: LoggedKeys): FailureWords | undefined {
  if (!isError(error)) return undefined;
  const words = wordsOf(error);
  const { key } = error as { key?: unknown };
  if (!(error instanceof RedisException) || typeof key !== 'string') return words;
  const hide = (text: string) => text.replaceAll(key, keyForLog(key, keys) ?? '*');
  return {
    ...words,
    error: hide(words.error),
    ...(words.stack !== undefined && { stack: hide(words.stack) }),
  };
}

function wordsOf(error: Error): FailureWords {
  return {
    error: error.message,
    ...(error instanceof RedisCommandException && replyOf(error.cause)),
    ...(error instanceof RedisException && { code: error.code }),
    ...(error.stack !== undefined && { stack: error.stack }),
  };
}

function replyOf(cause: unknown): { reply?: string } {
  if (!isError(cause) || cause.name !== 'ReplyError') return {};
  const reply = cause.message.replace(/'[^]*'|"[^]*"/g, "'...'");
  return { reply: reply.slice(0, LONGEST_REPLY) };
}
