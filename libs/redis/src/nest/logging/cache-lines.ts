import type { Logger } from '@nestjs/common';
import type { RedisEventHandlers, RedisEventOf } from '../../telemetry/telemetry.js';
import { wordsOfError } from './failure-words.js';
import type { FloodGate } from './flood-gate.js';
import type { PolicyOf } from './log-policy.js';
import { milliseconds, shownKey } from './lines.js';

/** What goes wrong in a cache. */
export function cacheHandlers(logger: Logger, floods: FloodGate, policyOf: PolicyOf) {
  return {
    'cache.breaker': ({ connection, cache, state, error }) => {
      if (state === 'closed') {
        logger.log({ msg: 'Redis is asked for cached values again', connection, cache });
        return;
      }
      const words = wordsOfError(error, policyOf(connection));
      const msg = 'Redis is left alone for a while';
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
          msg: 'Redis failed a cache',
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
        const msg = 'Something else is stored where a cached value should be; it counts as a miss';
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
      if (event.failed > 0) logger.error(describeInvalidation(event));
    },
  } satisfies RedisEventHandlers;
}

function describeInvalidation(event: RedisEventOf<'cache.invalidation'>) {
  const { connection, cache, by, count, failed } = event;
  const msg =
    by === 'outbox'
      ? 'Invalidations are lost: Redis was not told of them before the application closed'
      : 'Invalidations failed: what is cached may be outdated';
  return { msg, connection, cache, by, count, failed };
}
