/**
 * @module time Durations, deadlines and jitter. Milliseconds inside, units in all public values.
 */
import { RedisConfigurationException } from '../errors/redis-configuration.exception.js';

/**
 * A length of time with its unit: `'250ms'`, `'30s'`, `'5m'`, `'1h'`, `'1d'`. The compiler and the options
 * refuse a bare number, because seconds are easily taken for milliseconds.
 *
 * Must be above zero. A timeout is at most `'2147483647ms'` (24 days), the longest timer of Node; a time to
 * live is at most `'36500d'`.
 *
 * @publicApi
 */
export type Duration = `${number}${Unit}`;

type Unit = keyof typeof MILLISECONDS;

const MILLISECONDS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** A century. Redis would take more (64-bit milliseconds), but a longer duration is probably a typo. */
export const LONGEST_DURATION_MS = 100 * 365 * MILLISECONDS.d;

/** A timer of Node has 31 bits of milliseconds (24 days, 20 hours); a longer one fires after 1 ms. */
export const LONGEST_TIMER_MS = 2 ** 31 - 1;

const WITH_UNIT = "a duration with its unit such as '250ms', '30s', '5m', '1h' or '1d', above zero";

/** Describes the accepted values of an expiry in Redis, for messages. */
export const ACCEPTED_DURATIONS = `${WITH_UNIT}, at most '${LONGEST_DURATION_MS / MILLISECONDS.d}d'`;

/** Describes the accepted values of a timeout, for messages. */
export const ACCEPTED_TIMEOUTS = `${WITH_UNIT}, at most '${LONGEST_TIMER_MS}ms' (24 days)`;

/**
 * Converts a duration to whole milliseconds; `undefined` if it is no duration, or longer than a century.
 *
 * @internal
 */
export function durationToMs(value: unknown): number | undefined {
  if (typeof value !== 'string') return undefined;
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(value);
  if (!match) return undefined;
  const ms = Math.round(Number(match[1]) * MILLISECONDS[match[2] as Unit]);
  return ms > 0 && ms <= LONGEST_DURATION_MS ? ms : undefined;
}

/**
 * Converts a timeout to whole milliseconds; `undefined` if it is no duration, or longer than a timer can be.
 *
 * @internal
 */
export function timeoutToMs(value: unknown): number | undefined {
  const ms = durationToMs(value);
  return ms !== undefined && ms <= LONGEST_TIMER_MS ? ms : undefined;
}

/**
 * Turns `'30s'` into `30000`.
 *
 * @param option the name of the option, for the error message
 * @returns whole milliseconds, at least 1
 * @throws RedisConfigurationException naming the option if the value is no duration with a unit, or longer
 * than `'36500d'`
 * @publicApi
 */
export function parseDuration(value: Duration, option: string): number {
  return durationToMs(value) ?? refuse(value, option, ACCEPTED_DURATIONS);
}

/**
 * Turns the timeout `'30s'` into `30000`.
 *
 * @throws RedisConfigurationException naming the option if the value is no duration with a unit, or longer
 * than `'2147483647ms'`
 * @internal
 */
export function parseTimeout(value: Duration, option: string): number {
  return timeoutToMs(value) ?? refuse(value, option, ACCEPTED_TIMEOUTS);
}

function refuse(value: unknown, setting: string, accepted: string): never {
  throw new RedisConfigurationException([{ setting, value: String(value), accepted }]);
}
