/**
 * @module time Durations, deadlines and jitter. Milliseconds inside, units in every public name.
 */
import { RedisConfigurationException } from '../errors/redis-configuration.exception.js';

/**
 * A length of time that says its unit: `'250ms'`, `'30s'`, `'5m'`, `'1h'`, `'1d'`. A bare number is
 * refused by the compiler and at run time: seconds taken for milliseconds are this field's oldest bug.
 *
 * Above zero. An option that is waited for takes at most `'2147483647ms'` (24 days), which is what a
 * timer of Node can hold; one for which something is kept takes at most `'36500d'`.
 *
 * @publicApi
 */
export type Duration = `${number}${Unit}`;

type Unit = keyof typeof MILLISECONDS;

const MILLISECONDS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** Redis keeps expiry times as signed 64-bit milliseconds; a century is far inside and catches typos. */
export const LONGEST_DURATION_MS = 100 * 365 * MILLISECONDS.d;

/** Node's timers hold 31 bits of milliseconds (24 days, 20 hours): a longer one fires after 1 ms. */
export const LONGEST_TIMER_MS = 2 ** 31 - 1;

const WITH_UNIT = "a duration with its unit such as '250ms', '30s', '5m', '1h' or '1d', above zero";

/** What is accepted for an expiry in Redis. */
export const ACCEPTED_DURATIONS = `${WITH_UNIT}, at most '${LONGEST_DURATION_MS / MILLISECONDS.d}d'`;

/** What is accepted for a time that is waited for. */
export const ACCEPTED_TIMEOUTS = `${WITH_UNIT}, at most '${LONGEST_TIMER_MS}ms' (24 days)`;

/**
 * The duration in whole milliseconds; `undefined` if it is not one, or longer than a century.
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
 * The same for a time that becomes a timer; `undefined` if no timer is that long, too.
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
 * @throws RedisConfigurationException naming the option if it is not a duration with a unit, or longer
 * than `'36500d'`
 * @publicApi
 */
export function parseDuration(value: Duration, option: string): number {
  return durationToMs(value) ?? refuse(value, option, ACCEPTED_DURATIONS);
}

/**
 * The same for a time that becomes a timer.
 *
 * @throws RedisConfigurationException naming the option if it is not a duration with a unit, or longer
 * than `'2147483647ms'`
 * @internal
 */
export function parseTimeout(value: Duration, option: string): number {
  return timeoutToMs(value) ?? refuse(value, option, ACCEPTED_TIMEOUTS);
}

function refuse(value: unknown, setting: string, accepted: string): never {
  throw new RedisConfigurationException([{ setting, value: String(value), accepted }]);
}
