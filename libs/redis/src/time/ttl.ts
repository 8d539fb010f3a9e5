import { RedisConfigurationException } from '../errors/redis-configuration.exception.js';
import { ACCEPTED_DURATIONS, durationToMs, type Duration } from './duration.js';

/** How long something written lives: `'forever'` only when said so. @publicApi */
export type Ttl = Duration | 'forever';

/** The same, in whole milliseconds. */
export type TtlMs = number | 'forever';

/** What lives when nobody said how long: an hour. */
export const DEFAULT_TTL_MS: TtlMs = 3_600_000;

/** Written out, as options take it. */
export function ttlOf(ms: TtlMs): Ttl {
  return ms === 'forever' ? ms : `${ms}ms`;
}

/**
 * @param option the name of the option, for the error message
 * @throws RedisConfigurationException naming the option if it is neither
 * @internal
 */
export function parseTtl(ttl: Ttl, option: string): TtlMs {
  const given: unknown = ttl; // a caller in JavaScript may hand over anything
  const ms = ttl === 'forever' ? ttl : durationToMs(given);
  if (ms === undefined) {
    throw new RedisConfigurationException([
      { setting: option, value: String(given), accepted: `${ACCEPTED_DURATIONS}, or 'forever'` },
    ]);
  }
  return ms;
}
