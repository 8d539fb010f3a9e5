let latest = 0;

/**
 * The order in which things begin in this process. A load that began after a read did has seen every
 * invalidation that was acknowledged before the read.
 */
export function nextMoment(): number {
  return ++latest;
}
