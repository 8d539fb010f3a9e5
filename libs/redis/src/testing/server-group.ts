/**
 * Starts `count` servers at once.
 *
 * @throws what the first failed start threw, when all others have been stopped again
 * @internal
 */
export async function startTogether<T extends { stop(): Promise<void> }>(
  count: number,
  start: () => Promise<T>,
): Promise<T[]> {
  const outcomes = await Promise.allSettled(Array.from({ length: count }, start));
  const started = outcomes.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  const failed = outcomes.find((one) => one.status === 'rejected');
  if (failed === undefined) return started;
  await stopAll(started);
  throw failed.reason;
}

/** @internal */
export async function stopAll(servers: Iterable<{ stop(): Promise<void> }>): Promise<void> {
  await Promise.all([...servers].map((server) => server.stop()));
}
