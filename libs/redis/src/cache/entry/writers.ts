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
  if (!version?.startsWith(WRITERS_BEGIN)) return false;
  return [...version.matchAll(/@(\d+)/g)].some(([, expiry]) => Number(expiry) > now);
}

/** Whether one of the dependencies was being changed when its version was captured. */
export function hasGaps(versions: Versions): boolean {
  for (const version of versions.values()) if (version === null) return true;
  return false;
}
