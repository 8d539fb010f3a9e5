import type { Duration } from 'nestjs-redis-data';
import { parseDuration } from 'nestjs-redis-data';

/** Milliseconds, or a duration with its unit, of less than a week: far below what a timer can hold. */
export const TIME = /^[1-9]\d{0,7}(ms)?$|^[1-9]\d{0,3}[sm]$/;
export const TIME_ACCEPTED =
  'milliseconds, at most 99999999, or a duration with its unit (500ms, 10s, 1m, at most 9999m), above zero';

/** Converts a text that matches {@link TIME} to milliseconds. */
export function toMs(time: string): number {
  const milliseconds = Number(time);
  return Number.isNaN(milliseconds) ? parseDuration(time as Duration, 'time') : milliseconds;
}
