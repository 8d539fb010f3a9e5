import { isError } from '../../errors/is-error.js';

/**
 * Says why changes are not tracked, where the driver has no error for it.
 *
 * @internal
 */
export class TrackingError extends Error {
  override readonly name = 'TrackingError';
  /** Whether it will be the same the next time. */
  readonly isLasting: boolean;

  constructor(message: string, { isLasting = false } = {}) {
    super(message);
    this.isLasting = isLasting;
  }
}

/** Why changes are not tracked; without a host, a key or a word of the server's reply but the first. */
export interface Trouble {
  readonly reason: string;
  /** Whether it will be the same the next time. Other troubles pass: LOADING, READONLY, OOM. */
  readonly isLasting: boolean;
}

/** @internal */
export const NO_CONNECTION = 'There is no connection to the server.';

const FORBIDDEN = 'NOPERM';
const NOT_KNOWN = 'ERR';

/** The commands without which nothing can be tracked, and how a reason names them. */
const NEEDED = new Map([
  ['client', 'CLIENT TRACKING'],
  ['subscribe', 'SUBSCRIBE'],
  ['set', 'SET'],
  ['ping', 'PING'],
  ['exists', 'EXISTS'],
]);

/** @internal */
export function troubleOf(error: unknown): Trouble {
  if (error instanceof TrackingError) {
    return { reason: error.message, isLasting: error.isLasting };
  }
  const { command } = (error ?? {}) as { command?: { name?: string } }; // ioredis names it in error replies
  if (!isError(error) || command?.name === undefined) {
    return { reason: NO_CONNECTION, isLasting: false };
  }
  const needed = NEEDED.get(command.name);
  const [reply = ''] = error.message.split(' ', 1);
  if (needed !== undefined && reply === FORBIDDEN) {
    return { reason: `An ACL forbids ${needed}.`, isLasting: true };
  }
  if (needed !== undefined && reply === NOT_KNOWN) {
    return { reason: `The server does not know ${needed}.`, isLasting: true };
  }
  return { reason: `The server answered ${reply}.`, isLasting: false };
}
