import { isError } from '../../../errors/is-error.js';
import type { RedisAddress } from '../../options/options.js';
import type { ConnectionFailure } from './explain-failure.js';

/** What is known about the command that a driver error belongs to. */
export interface CommandFailure {
  readonly connection: string;
  readonly address: RedisAddress;
  readonly timeoutMs: number;
  /** Absent when one error object rejected several commands. */
  readonly operation?: string;
  readonly key?: string;
  /** Why there was no connection; absent if there was one, or nothing is known. */
  readonly reason?: ConnectionFailure | undefined;
}

const failures = new WeakMap<Error, CommandFailure>();

/**
 * Remembers which command an error rejected. ioredis gives one error object to every command of a
 * flushed queue: such an error keeps only what is true of all of them. Why there was no connection
 * becomes its `cause` for those who handle ioredis's errors.
 *
 * @internal
 */
export function recordFailure(error: Error, failure: CommandFailure): void {
  const known = failures.get(error);
  if (!known) {
    failures.set(error, failure);
  } else if (known.operation !== failure.operation || known.key !== failure.key) {
    const { connection, address, timeoutMs, reason } = known;
    failures.set(error, { connection, address, timeoutMs, reason });
  }
  const { reason } = failure;
  if (reason && reason.error !== error && !('cause' in error)) {
    Object.defineProperty(error, 'cause', { value: reason.error, configurable: true });
  }
}

/** The command that this error rejected, if it was sent by a client of ours. */
export function failureOf(error: unknown): CommandFailure | undefined {
  return isError(error) ? failures.get(error) : undefined;
}

/**
 * Where Redis repeats arguments in a reply, of an unknown command and of ACL SETUSER, and where it names
 * the ACL user.
 */
const QUOTATIONS = [
  /, with args beginning with:[^]*$/,
  / modifier '[^]*?'(?=:)/,
  /(?<=^NOPERM User) \S+(?= has no permissions)/,
];

/** Where ioredis puts further errors inside an error. */
const INNER_ERRORS = ['cause', 'lastNodeError', 'previousErrors'] as const;

/**
 * Makes an ioredis error, and those inside it, safe to log: it carries the command with its arguments
 * (values, and the password of AUTH), and Redis repeats arguments in its reply to an unknown command.
 * The command stays readable for programs as a non-enumerable property, which serializers and
 * `inspect` skip.
 *
 * @internal
 */
export function hideArguments(error: Error): void {
  if ('command' in error) {
    Object.defineProperty(error, 'command', { value: error.command, enumerable: false });
  }
  for (const quotation of QUOTATIONS) {
    const [quoted] = quotation.exec(error.message) ?? [];
    if (quoted === undefined) continue;
    error.message = error.message.replace(quoted, '');
    if (error.stack !== undefined) error.stack = error.stack.replace(quoted, '');
  }
  for (const name of INNER_ERRORS) {
    for (const inner of [(error as Partial<Record<typeof name, unknown>>)[name]].flat()) {
      if (isError(inner)) hideArguments(inner);
    }
  }
}
