import type { Logger } from '@nestjs/common';
import type { OperationEvent } from '../../telemetry/operation.events.js';
import type { RedisEventHandlers } from '../../telemetry/telemetry.js';
import { wordsOfError } from './failure-words.js';
import type { PolicyOf } from './log-policy.js';
import { milliseconds, shownKey } from './work-lines.js';

/**
 * Everything else that the library does for its callers, at level debug, and how it ended. What failed
 * has reached its caller, and the command behind it is in the log as an error.
 */
export function successHandlers(logger: Logger, policyOf: PolicyOf) {
  const operation = (name: string, { connection, durationMs, error }: OperationEvent) => {
    const { keys, successes } = policyOf(connection);
    if (!successes) return;
    const words = wordsOfError(error, keys);
    logger.debug({
      msg: 'Redis operation',
      connection,
      operation: name,
      success: error === undefined,
      duration_ms: milliseconds(durationMs),
      ...(words && { error: words.error }),
    });
  };
  const cacheLine = (operation: string, cache: string, key: string, facts: object) => {
    const { keys, successes } = policyOf();
    if (!successes) return;
    logger.debug({ msg: 'Redis cache', cache, operation, ...shownKey(key, keys), ...facts });
  };
  return {
    batch: (event) => {
      operation(`batch.${event.operation}`, event);
    },
    repository: (event) => {
      operation(`${event.kind}.${event.operation}`, event);
    },
    'pool.acquire': ({ connection, durationMs, inUse, error }) => {
      if (error || !policyOf(connection).successes) return;
      logger.debug({
        msg: 'Redis connection lent',
        connection,
        operation: 'pool.acquire',
        success: true,
        duration_ms: milliseconds(durationMs),
        in_use: inUse,
      });
    },
    'cache.request': ({ cache, key, result }) => {
      cacheLine('cache.request', cache, key, { success: true, result });
    },
    'cache.load': ({ cache, key, durationMs, outcome }) => {
      if (outcome === 'failed') return;
      const facts = { success: true, outcome, duration_ms: milliseconds(durationMs) };
      cacheLine('cache.load', cache, key, facts);
    },
    'cache.lease-wait': ({ cache, key, durationMs }) => {
      cacheLine('cache.lease-wait', cache, key, { duration_ms: milliseconds(durationMs) });
    },
    'cache.invalidation': ({ cache, by, count, failed }) => {
      if (failed > 0 || !policyOf().successes) return;
      logger.debug({
        msg: 'Redis cache',
        cache,
        operation: 'cache.invalidate',
        success: true,
        by,
        count,
      });
    },
  } satisfies RedisEventHandlers;
}
