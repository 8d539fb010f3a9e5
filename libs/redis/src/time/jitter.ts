/**
 * Adds up to a fifth to a wait, so that clients which failed together do not retry together
 * (https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/).
 *
 * @internal
 */
export function plusJitter(ms: number, random: () => number = Math.random): number {
  return Math.round(ms * (1 + random() / 5));
}
