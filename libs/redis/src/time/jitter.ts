/**
 * The wait plus up to a fifth of it, so that clients which failed together do not come back together
 * (https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/).
 *
 * @internal
 */
export function plusJitter(ms: number, random: () => number = Math.random): number {
  return Math.round(ms * (1 + random() / 5));
}
