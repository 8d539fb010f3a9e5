import { Logger } from '@nestjs/common';
import type { RedisEventOf, Telemetry } from '../telemetry/telemetry.js';

/** A failure that repeats is written once in this time, with the number of those held back. */
const REPEATED_AFTER_MS = 1_000;

/**
 * Writes what the library announces to Nest's logger, as objects: with nestjs-pino they become JSON.
 */
export function logTelemetry(telemetry: Telemetry, logger = new Logger('Redis')): void {
  const isDue = throttle();
  telemetry.subscribe({
    'connection.ready': ({ connection, endpoint, restored }) => {
      const msg = restored ? 'Redis connection restored' : 'Redis connection ready';
      logger.log({ msg, connection, endpoint });
    },
    'connection.down': ({ connection, endpoint, error }) => {
      const msg = 'Redis connection down; reconnecting in the background';
      logger.warn({ msg, connection, endpoint, ...(error && { error: error.message }) });
    },
    'cache.breaker': ({ cache, state, error }) => {
      if (state === 'closed') logger.log({ msg: 'Redis is asked for cached values again', cache });
      else logger.warn({ msg: 'Redis is left alone for a while', cache, error: error?.message });
    },
    'cache.failure': ({ cache, operation, error }) => {
      const due = isDue(`${cache} ${operation} ${error.name}`);
      if (!due) return;
      const msg = 'Redis failed a cache';
      logger.warn({ msg, cache, operation, error: error.message, ...due });
    },
    'cache.corrupt': ({ cache, key }) => {
      const due = isDue(`${cache} corrupt`);
      if (!due) return;
      const msg = 'Something else is stored where a cached value should be; it counts as a miss';
      logger.warn({ msg, cache, key: patternOf(key), ...due });
    },
    'cache.load': ({ cache, key, outcome, error }) => {
      if (outcome !== 'failed') return;
      const due = isDue(`${cache} load`);
      if (due)
        logger.warn({
          msg: 'A loader failed',
          cache,
          key: patternOf(key),
          ...because(error),
          ...due,
        });
    },
    'cache.invalidation': (event) => {
      if (event.failed > 0) logger.error(describeInvalidation(event));
    },
  });
}

function describeInvalidation({ cache, by, count, failed }: RedisEventOf<'cache.invalidation'>) {
  const msg =
    by === 'outbox'
      ? 'Invalidations are lost: Redis was not told of them before the application closed'
      : 'Invalidations failed: what is cached may be outdated';
  return { msg, cache, by, count, failed };
}

function because(error: unknown): { error?: string } {
  return error instanceof Error ? { error: error.message } : {};
}

/** Ids stay out of the log. */
function patternOf(key: string): string {
  return key.replace(/[^:]+$/, '*');
}

/** @returns what to add to the entry, or nothing if there was one of this kind a moment ago */
function throttle(): (kind: string) => { heldBack?: number } | undefined {
  const written = new Map<string, { at: number; heldBack: number }>();
  return (kind) => {
    const now = performance.now();
    const last = written.get(kind);
    if (last && now - last.at < REPEATED_AFTER_MS) {
      last.heldBack++;
      return undefined;
    }
    written.set(kind, { at: now, heldBack: 0 });
    return last && last.heldBack > 0 ? { heldBack: last.heldBack } : {};
  };
}
