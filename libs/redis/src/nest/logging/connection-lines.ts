import type { Logger } from '@nestjs/common';
import type { ConnectionWarning } from '../../telemetry/connection.events.js';
import type { RedisEventHandlers } from '../../telemetry/telemetry.js';
import { wordsOfDriverError } from './failure-words.js';
import type { FloodGate } from './flood-gate.js';
import { milliseconds } from './lines.js';

/** Each is written once for a connection, however often it connects. */
const WARNINGS = {
  'info-forbidden':
    'Redis forbids INFO: a server that is loading its data counts as ready. Allow +info',
  'password-not-needed': 'Redis, or a sentinel, was given a password and wants none',
  'users-not-known':
    'Redis was given a user name and knows none: set the password only before Redis 6',
} as const satisfies Record<ConnectionWarning['about'], string>;

/** A connection that was lost or restored, and a pool that had none to lend. */
export function connectionHandlers(logger: Logger, floods: FloodGate) {
  const warned = new Set<string>();
  return {
    'connection.ready': ({ connection, endpoint, restored }) => {
      const msg = restored ? 'Redis connection restored' : 'Redis connection ready';
      logger.log({ msg, connection, endpoint });
    },
    'connection.down': ({ connection, endpoint, error }) => {
      const msg = 'Redis connection down; reconnecting in the background';
      const address = firstAddress(endpoint);
      const words = error && wordsOfDriverError(error, { connection, address });
      logger.warn({ msg, connection, endpoint, ...(words && { error: words.error }) });
    },
    'connection.replaced': ({ connection, endpoint, reason }) => {
      floods.pass(`${connection} ${reason}`, (heldBack) => {
        logger.warn({
          msg: 'Redis connection replaced',
          connection,
          endpoint,
          reason,
          ...heldBack,
        });
      });
    },
    'connection.warning': ({ connection, about }) => {
      if (warned.has(`${connection} ${about}`)) return;
      warned.add(`${connection} ${about}`);
      logger.warn({ msg: WARNINGS[about], connection });
    },
    'pool.acquire': ({ connection, durationMs, inUse, error }) => {
      if (!error) return;
      floods.pass(`${connection} pool`, (heldBack) => {
        logger.error({
          msg: 'No dedicated Redis connection could be had',
          connection,
          operation: 'pool.acquire',
          success: false,
          duration_ms: milliseconds(durationMs),
          in_use: inUse,
          error: error.message,
          stack: error.stack,
          ...heldBack,
        });
      });
    },
  } satisfies RedisEventHandlers;
}

/** Of `host:port,host:port`, or of the path of a Unix socket. */
function firstAddress(endpoint: string): { host: string; port: number } {
  if (endpoint.startsWith('/')) return { host: endpoint, port: 0 };
  const [first = ''] = endpoint.split(',', 1);
  const colon = first.lastIndexOf(':');
  return { host: first.slice(0, colon), port: Number(first.slice(colon + 1)) };
}
