import type { Versions } from './envelope.js';

/**
 * The beginning of a list of writers, which stands where a version or a lease would be. No version begins
 * like that.
 */
export const WRITERS_BEGIN = 'w:';

/**
 * Whether what was read of a dependency is a list of writers that are changing it.
 *
 * @param now on the server's clock; a list counts for nothing once the time of all its writers is over
 */
export function isBeingChanged(version: string | null, now: number): boolean {
  return livingWriters(version, now).length > 0;
}

/**
 * Until when each of the writers counts that are changing a dependency; none if it is not being changed.
 *
 * @param now on the server's clock, as the result
 */
export function livingWriters(version: string | null, now: number): readonly number[] {
  if (!version?.startsWith(WRITERS_BEGIN)) return NO_WRITERS;
  const expiries = [...version.matchAll(/@(\d+)/g)].map(([, expiry]) => Number(expiry));
  return expiries.filter((expiry) => expiry > now);
}

const NO_WRITERS: readonly number[] = [];

/** Whether one of the dependencies was being changed when its version was captured. */
export function hasGaps(versions: Versions): boolean {
  for (const version of versions.values()) if (version === null) return true;
  return false;
}
