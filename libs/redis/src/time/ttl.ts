import { RedisConfigurationException } from '../errors/redis-configuration.exception.js';
import { ACCEPTED_DURATIONS, durationToMs, type Duration } from './duration.js';

/** The time to live of a written value. `'forever'` is never a default. @publicApi */
export type Ttl = Duration | 'forever';

/** A time to live in whole milliseconds. */
export type TtlMs = number | 'forever';

/** The default time to live: an hour. */
export const DEFAULT_TTL_MS: TtlMs = 3_600_000;

/** Converts milliseconds back to the form of an option. */
export function ttlOf(ms: TtlMs): Ttl {
  return ms === 'forever' ? ms : `${ms}ms`;
}

/**
 * Turns a time to live into milliseconds.
 *
 * @param option the name of the option, for the error message
 * @throws RedisConfigurationException naming the option if it is neither a duration nor `'forever'`
 * @internal
 */
export function parseTtl(ttl: Ttl, option: string): TtlMs {
  const given: unknown = ttl; // a caller in JavaScript may pass any value
  const ms = ttl === 'forever' ? ttl : durationToMs(given);
  if (ms === undefined) {
    throw new RedisConfigurationException([
      { setting: option, value: String(given), accepted: `${ACCEPTED_DURATIONS}, or 'forever'` },
    ]);
  }
  return ms;
}
