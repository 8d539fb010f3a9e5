/**
 * @module time Durations, deadlines and jitter. Milliseconds inside, units in every public name.
 */
import { RedisConfigurationException } from '../errors/redis-configuration.exception.js';

/**
 * A length of time that says its unit: `'250ms'`, `'30s'`, `'5m'`, `'1h'`, `'1d'`. A bare number is
 * refused by the compiler and at run time: seconds taken for milliseconds are this field's oldest bug.
 *
 * @publicApi
 */
export type Duration = `${number}${Unit}`;

type Unit = keyof typeof MILLISECONDS;

const MILLISECONDS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** Redis keeps expiry times as signed 64-bit milliseconds; a century is far inside and catches typos. */
const LONGEST_MS = 100 * 365 * MILLISECONDS.d;

export const ACCEPTED_DURATIONS =
  "a duration with its unit such as '250ms', '30s', '5m', '1h' or '1d', above zero";

/**
 * The duration in whole milliseconds, or `undefined` if it is not one.
 *
 * @internal
 */
export function durationToMs(value: unknown): number | undefined {
  if (typeof value !== 'string') return undefined;
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(value);
  if (!match) return undefined;
  const ms = Math.round(Number(match[1]) * MILLISECONDS[match[2] as Unit]);
  return ms > 0 && ms <= LONGEST_MS ? ms : undefined;
}

/**
 * Turns `'30s'` into `30000`.
 *
 * @param option the name of the option, for the error message
 * @returns whole milliseconds, at least 1
 * @throws RedisConfigurationException naming the option if it is not a duration with a unit
 * @publicApi
 */
export function parseDuration(value: Duration, option: string): number {
  const ms = durationToMs(value);
  if (ms === undefined) {
    throw new RedisConfigurationException([
      { setting: option, value, accepted: ACCEPTED_DURATIONS },
    ]);
  }
  return ms;
}
