import { isError } from '../../../errors/is-error.js';
import type { RedisAddress } from '../../options/options.js';
import type { ConnectionFailure } from './explain-failure.js';

/** The known facts of the command that a driver error has rejected. */
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
 * Remembers which command an error has rejected, and hides the command's arguments. ioredis rejects every
 * command of a flushed queue with the same error object: such an error keeps only what is true of all of
 * them. Why there was no connection becomes the error's `cause`, for code that handles ioredis's errors.
 *
 * @internal
 */
export function recordFailure(error: Error, failure: CommandFailure): void {
  const known = failures.get(error);
  if (!known) {
    hideArguments(error);
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

/** The facts recorded with an error; `undefined` if it is not of a client that the library made. */
export function failureOf(error: unknown): CommandFailure | undefined {
  return isError(error) ? failures.get(error) : undefined;
}

/** The parts of error replies in which Redis 6 to 8 and Valkey repeat arguments, or name the ACL user. */
const QUOTATIONS = [
  /, with args beginning with:[^]*$/,
  / modifier '[^]*?'(?=:)/,
  /(?<=^(?:NOPERM|ERR ACL failure in script:) User) \S+(?= has no permissions)/,
  /(?<=^ERR (?:Syntax error in HELLO option|Invalid argument|Unrecognized option|User)) '[^]*?'/,
  /(?<=^ERR unknown subcommand(?: or wrong number of arguments for)?) '[^]*?'/i,
  /(?<=^ERR (?:invalid longitude,latitude pair|unknown argument:|Unsupported CONFIG parameter:)) [^]*$/,
];

/** The properties in which ioredis keeps further errors inside an error. */
const INNER_ERRORS = ['cause', 'lastNodeError', 'previousErrors'] as const;

/**
 * Makes an ioredis error, and the errors inside it, safe to log: it carries the command with its
 * arguments (values, and the password of AUTH), and Redis repeats arguments in some replies. Programs can
 * still read the command: it becomes a non-enumerable property, which serializers and `inspect` skip.
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
