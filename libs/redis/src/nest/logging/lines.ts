/** The lines of the log: what is written about each event, at which level and with which fields. */
import type { CacheEvent } from '../../telemetry/cache.events.js';
import type { CommandEvent } from '../../telemetry/command.events.js';
import type { ConnectionWarning } from '../../telemetry/connection.events.js';
import type { OperationEvent } from '../../telemetry/operation.events.js';
import type { RedisEventHandlers, RedisEventOf } from '../../telemetry/telemetry.js';
import { wordsOfDriverError, wordsOfError } from './failure-words.js';
import type { FloodGate } from './flood-gate.js';
import type { LineLogger, LogFields } from './log-line.js';
import { keyForLog, type LogPolicy, type PolicyOf } from './log-policy.js';

/** The fields that every line about a piece of work has. */
interface WorkLine extends LogFields {
  readonly msg: string;
  readonly connection?: string;
  readonly operation: string;
  readonly key?: string;
  readonly success: boolean;
  readonly duration_ms: number;
}

/** The line about a command that failed, was slow, or is written because `successes` is on. */
export function commandLine(msg: string, event: CommandEvent, policy: LogPolicy): WorkLine {
  const { connection, command, durationMs } = event;
  return {
    msg,
    connection,
    operation: command,
    ...shownKey(event.key, policy),
    success: !event.failure,
    duration_ms: milliseconds(durationMs),
  };
}

/** Writes when a connection is lost, restored or replaced, and when a pool has none to lend. */
export function connectionHandlers(logger: LineLogger, floods: FloodGate) {
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
      const line = { msg: 'Redis connection replaced', connection, endpoint, reason };
      floods.pass(`${connection} ${reason}`, (heldBack) => {
        logger.warn({ ...line, ...heldBack });
      });
    },
    'connection.warning': ({ connection, about }) => {
      if (warned.has(`${connection} ${about}`)) return;
      warned.add(`${connection} ${about}`);
      logger.warn({ msg: WARNINGS[about], connection });
    },
    'near.link': ({ connection, node, state, reason }) => {
      const why = reason === undefined ? {} : { reason };
      const line = { msg: NEAR[state], connection, ...(node && { node }), ...why };
      floods.pass(`${connection} near ${state}`, (heldBack) => {
        if (state === 'armed') logger.log({ ...line, ...heldBack });
        else logger.warn({ ...line, ...heldBack });
      });
    },
    'pool.acquire': ({ connection, durationMs, inUse, error }) => {
      if (!error) return;
      floods.pass(`${connection} pool`, (heldBack) => {
        logger.error({
          msg: 'No dedicated Redis connection was available',
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

/** Each is written once for a connection, however often it connects. */
const WARNINGS = {
  'info-forbidden':
    'Redis forbids INFO: a server that is loading its data counts as ready. Allow +info',
  'no-replica-confirms':
    'No replica confirms the invalidations of a cache. Has the server replicas? The option is invalidation.replicas',
  'password-not-needed': 'A password is configured, but Redis, or a sentinel, does not require one',
  'users-not-known':
    'A user name is configured, but this Redis knows no users: before Redis 6, set the password only',
  'wait-refused':
    'Redis does not execute WAIT: no replica can confirm the invalidations of a cache. Allow +wait, or leave the option invalidation out',
} as const satisfies Record<ConnectionWarning['about'], string>;

const NEAR = {
  armed: 'The near copy hears of changes in Redis, and serves values from the process',
  lost: 'The near copy hears of no changes: values are read from Redis until the link is back',
  unavailable:
    'The near copy is off: Redis does not tell what changes. All values are read from Redis',
} as const satisfies Record<RedisEventOf<'near.link'>['state'], string>;

/** The first of `host:port,host:port`, or the path of a Unix socket. */
function firstAddress(endpoint: string): { host: string; port: number } {
  if (endpoint.startsWith('/')) return { host: endpoint, port: 0 };
  const [first = ''] = endpoint.split(',', 1);
  const colon = first.lastIndexOf(':');
  return { host: first.slice(0, colon), port: Number(first.slice(colon + 1)) };
}

/** Writes what goes wrong in a cache. */
export function cacheHandlers(logger: LineLogger, floods: FloodGate, policyOf: PolicyOf) {
  return {
    'cache.breaker': ({ connection, cache, state, error }) => {
      if (state === 'closed') {
        logger.log({ msg: 'The cache uses Redis again', connection, cache });
        return;
      }
      const words = wordsOfError(error, policyOf(connection));
      const msg = 'The cache stops using Redis for a while';
      logger.warn({ msg, connection, cache, error: words?.error });
    },
    'cache.too-far': ({ connection, cache, roundTripMs, timeoutMs }) => {
      const msg =
        'Nothing can be cached: Redis answers later than the cache waits. Raise its timeout above twice the round trip';
      const round_trip_ms = milliseconds(roundTripMs);
      logger.warn({ msg, connection, cache, round_trip_ms, timeout_ms: timeoutMs });
    },
    'cache.failure': ({ connection, cache, operation, key, error }) => {
      floods.pass(`${cache} ${operation} ${error.name}`, (heldBack) => {
        const policy = policyOf(connection);
        const { error: message, code } = wordsOfError(error, policy);
        logger.warn({
          msg: 'A cache operation failed in Redis',
          connection,
          cache,
          operation: `cache.${operation}`,
          ...shownKey(key, policy),
          success: false,
          error: message,
          code,
          ...heldBack,
        });
      });
    },
    'cache.corrupt': ({ connection, cache, key }) => {
      floods.pass(`${cache} corrupt`, (heldBack) => {
        const msg = 'The key of a cached value holds something else; it counts as a miss';
        const shown = shownKey(key, policyOf(connection));
        logger.warn({ msg, connection, cache, ...shown, ...heldBack });
      });
    },
    'cache.load': ({ connection, cache, key, durationMs, outcome, error }) => {
      if (outcome !== 'failed') return;
      floods.pass(`${cache} load`, (heldBack) => {
        const policy = policyOf(connection);
        logger.warn({
          msg: 'A loader failed',
          connection,
          cache,
          operation: 'cache.load',
          ...shownKey(key, policy),
          success: false,
          duration_ms: milliseconds(durationMs),
          ...wordsOfError(error, policy),
          ...heldBack,
        });
      });
    },
    'cache.invalidation': (event) => {
      if (event.failed > 0) logger.error(failedInvalidation(event));
    },
  } satisfies RedisEventHandlers;
}

function failedInvalidation(event: RedisEventOf<'cache.invalidation'>) {
  const { connection, cache, by, count, failed } = event;
  const msg =
    by === 'outbox'
      ? 'Invalidations are lost: the application closed before Redis could execute them'
      : 'Invalidations failed: cached values may be outdated';
  return { msg, connection, cache, by, count, failed };
}

/**
 * Writes everything else that the library does for its callers, and how it ended, at level debug. A
 * failure has reached its caller, and the command behind it is in the log as an error.
 */
export function successHandlers(logger: LineLogger, policyOf: PolicyOf) {
  const write = (connection: string, line: LogFields) => {
    if (policyOf(connection).successes) logger.debug({ ...line, connection });
  };
  const operation = (name: string, { connection, durationMs, error }: OperationEvent) => {
    const words = wordsOfError(error, policyOf(connection));
    write(connection, {
      msg: 'Redis operation',
      operation: name,
      success: error === undefined,
      duration_ms: milliseconds(durationMs),
      ...(words && { error: words.error }),
    });
  };
  const cacheLine = (operation: string, { connection, cache }: CacheEvent, facts: object) => {
    write(connection, { msg: 'Redis cache', cache, operation, success: true, ...facts });
  };
  return {
    batch: (event) => {
      operation(`batch.${event.operation}`, event);
    },
    repository: (event) => {
      operation(`${event.kind}.${event.operation}`, event);
    },
    'pool.acquire': ({ connection, durationMs, inUse, error }) => {
      if (error) return;
      const facts = { success: true, duration_ms: milliseconds(durationMs), in_use: inUse };
      write(connection, { msg: 'Redis connection lent', operation: 'pool.acquire', ...facts });
    },
    'pool.release': ({ connection, inUse, reused }) => {
      const facts = { success: true, in_use: inUse, reused };
      write(connection, { msg: 'Redis connection returned', operation: 'pool.release', ...facts });
    },
    'cache.request': (event) => {
      const { key, result, connection } = event;
      cacheLine('cache.request', event, { ...shownKey(key, policyOf(connection)), result });
    },
    'cache.load': (event) => {
      const { key, durationMs, outcome, connection } = event;
      if (outcome === 'failed') return;
      const facts = { outcome, duration_ms: milliseconds(durationMs) };
      cacheLine('cache.load', event, { ...shownKey(key, policyOf(connection)), ...facts });
    },
    'cache.lease-wait': (event) => {
      const { key, durationMs, connection } = event;
      const facts = { duration_ms: milliseconds(durationMs) };
      cacheLine('cache.lease-wait', event, { ...shownKey(key, policyOf(connection)), ...facts });
    },
    'cache.invalidation': (event) => {
      const { by, count, failed } = event;
      if (failed === 0) cacheLine('cache.invalidate', event, { by, count });
    },
  } satisfies RedisEventHandlers;
}

/** The field of a key, if it may be written. */
function shownKey(key: string | undefined, policy: LogPolicy): { key?: string } {
  const shown = keyForLog(key, policy);
  return shown === undefined ? {} : { key: shown };
}

/** Microseconds are the last digits that mean something. */
function milliseconds(duration: number): number {
  return Math.round(duration * 1_000) / 1_000;
}
