import type { Logger } from '@nestjs/common';
import type { CacheEvent } from '../../telemetry/cache.events.js';
import type { OperationEvent } from '../../telemetry/operation.events.js';
import type { RedisEventHandlers } from '../../telemetry/telemetry.js';
import { wordsOfError } from './failure-words.js';
import type { PolicyOf } from './log-policy.js';
import { milliseconds, shownKey } from './lines.js';

/**
 * Everything else that the library does for its callers, at level debug, and how it ended. What failed
 * has reached its caller, and the command behind it is in the log as an error.
 */
export function successHandlers(logger: Logger, policyOf: PolicyOf) {
  const write = (connection: string, line: object) => {
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
