import type { Logger } from '@nestjs/common';
import type { RedisEventHandlers, RedisEventOf } from '../../telemetry/telemetry.js';
import { wordsOfError } from './failure-words.js';
import type { FloodGate } from './flood-gate.js';
import type { PolicyOf } from './log-policy.js';
import { shownKey } from './work-lines.js';

/** What goes wrong in a cache. */
export function cacheHandlers(logger: Logger, floods: FloodGate, policyOf: PolicyOf) {
  return {
    'cache.breaker': ({ cache, state, error }) => {
      if (state === 'closed') logger.log({ msg: 'Redis is asked for cached values again', cache });
      else {
        const words = wordsOfError(error, policyOf().keys);
        logger.warn({ msg: 'Redis is left alone for a while', cache, error: words?.error });
      }
    },
    'cache.failure': ({ cache, operation, key, error }) => {
      floods.pass(`${cache} ${operation} ${error.name}`, (heldBack) => {
        const { keys } = policyOf();
        const msg = 'Redis failed a cache';
        const { error: message, code } = wordsOfError(error, keys);
        const facts = { cache, operation: `cache.${operation}`, ...shownKey(key, keys) };
        logger.warn({ msg, ...facts, success: false, error: message, code, ...heldBack });
      });
    },
    'cache.corrupt': ({ cache, key }) => {
      floods.pass(`${cache} corrupt`, (heldBack) => {
        const msg = 'Something else is stored where a cached value should be; it counts as a miss';
        logger.warn({ msg, cache, ...shownKey(key, policyOf().keys), ...heldBack });
      });
    },
    'cache.load': ({ cache, key, durationMs, outcome, error }) => {
      if (outcome !== 'failed') return;
      floods.pass(`${cache} load`, (heldBack) => {
        const { keys } = policyOf();
        logger.warn({
          msg: 'A loader failed',
          cache,
          operation: 'cache.load',
          ...shownKey(key, keys),
          success: false,
          duration_ms: durationMs,
          ...wordsOfError(error, keys),
          ...heldBack,
        });
      });
    },
    'cache.invalidation': (event) => {
      if (event.failed > 0) logger.error(describeInvalidation(event));
    },
  } satisfies RedisEventHandlers;
}

function describeInvalidation({ cache, by, count, failed }: RedisEventOf<'cache.invalidation'>) {
  const msg =
    by === 'outbox'
      ? 'Invalidations are lost: Redis was not told of them before the application closed'
      : 'Invalidations failed: what is cached may be outdated';
  return { msg, cache, by, count, failed };
}
