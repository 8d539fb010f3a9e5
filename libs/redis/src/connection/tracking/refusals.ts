import { isError } from '../../errors/is-error.js';

/**
 * Says that a write was answered and its push did not arrive.
 *
 * @internal
 */
export class PushesMissingError extends Error {
  override readonly name = 'PushesMissingError';
}

/** The replies of a server that will not give another one soon. Others pass: LOADING, READONLY, OOM. */
const FORBIDDEN = 'NOPERM';
const NOT_KNOWN = 'ERR';

/** What was asked, in the order in which it is. */
const COMMANDS = { client: 'CLIENT TRACKING', subscribe: 'SUBSCRIBE', set: 'SET' } as const;

/**
 * Says why a server will not let changes be tracked, however often it is tried.
 *
 * @returns `undefined` if it may the next time
 * @internal
 */
export function refusalIn(error: unknown): string | undefined {
  if (error instanceof PushesMissingError) {
    return 'The server, or a proxy before it, takes CLIENT TRACKING and pushes no changes.';
  }
  if (!isError(error)) return undefined;
  const { command } = error as { command?: { name?: string } };
  const name = COMMANDS[command?.name as keyof typeof COMMANDS] as string | undefined;
  if (name === undefined) return undefined;
  const [reply] = error.message.split(' ', 1);
  if (reply === FORBIDDEN) return `An ACL forbids ${name}.`;
  return reply === NOT_KNOWN ? `The server does not know ${name}.` : undefined;
}
