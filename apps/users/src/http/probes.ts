const PROBES: ReadonlySet<string> = new Set([
  '/health',
  '/health/live',
  '/health/ready',
  '/metrics',
]);

/** Whether machines request this path every few seconds. */
export function isProbe(path: string | undefined): boolean {
  return path !== undefined && PROBES.has(path);
}
