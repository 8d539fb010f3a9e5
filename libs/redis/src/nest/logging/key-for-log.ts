import type { LoggedKeys } from './log-policy.js';

/** A key may be 512 MB long; nobody reads that. */
const LONGEST = 200;

/**
 * A key as it may be written. Of the library's own keys the pattern keeps kind, application and
 * environment; of others, whose parts it does not know, the first part.
 */
export function keyForLog(key: string | undefined, keys: LoggedKeys): string | undefined {
  if (key === undefined || keys === 'none') return undefined;
  const shown = keys === 'full' ? key : patternOf(key);
  return shown.length <= LONGEST ? shown : `${shown.slice(0, LONGEST)}...`;
}

function patternOf(key: string): string {
  const parts = key.slice(0, 2 * LONGEST).split(':', 4);
  if (parts.length === 1) return '*';
  const kept = parts.length === 4 ? parts.slice(0, 3) : parts.slice(0, 1);
  return [...kept.map((part) => part.replace('{', '')), '*'].join(':');
}
