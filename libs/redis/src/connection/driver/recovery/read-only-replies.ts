import type { Redis } from 'ioredis';
import { plusJitter } from '../../../time/jitter.js';
import { addressOf } from '../primaries.js';

/** A server that goes on saying so gets one new connection in this time. */
const PAUSE_MS = 500;

/** What only a replica says; scripts of Redis 6 have it inside. */
const SAID_BY_A_REPLICA = /(^|-)(READONLY|MASTERDOWN) /;

type ReconnectOnError = NonNullable<Redis['options']['reconnectOnError']>;

/**
 * Makes a connection to a server that says that it is a replica be made anew: behind one address (a
 * proxy, a name) there may be another server by now. The command that was refused is not repeated.
 *
 * @param given what the user wants to reconnect for
 * @returns prepares the connection to one server
 * @internal
 */
export function reconnectOnReadOnly(
  given: ReconnectOnError | null | undefined,
  announce: (node: Redis) => void,
): (node: Redis) => void {
  const quietUntil = new Map<string, number>(); // by address: a cluster has a new node for the next connection
  return (node) => {
    const address = addressOf(node);
    node.options.reconnectOnError = (error) => {
      const verdict = given?.(error) ?? false;
      if (verdict !== false || !SAID_BY_A_REPLICA.test(error.message)) return verdict;
      const now = performance.now();
      if (now < (quietUntil.get(address) ?? 0)) return false;
      quietUntil.set(address, now + plusJitter(PAUSE_MS));
      announce(node);
      return true;
    };
  };
}
