const LONGEST_SHOWN = 120;

/** What stands in a message where a secret was. */
export const MASKED = '***';

/**
 * A refused value as it may be printed. What could be an address with credentials, or a part of one, is
 * not: where its password begins and ends is not known, or it would not have been refused.
 *
 * @internal
 */
export function maskSecrets(value: string): string {
  if (/[/@?#\\%]/.test(value)) return maskUrl(value);
  return value.length > LONGEST_SHOWN ? `${value.slice(0, LONGEST_SHOWN)}...` : value;
}

/**
 * All that may be printed of a refused URL: its scheme, if it is one of ours.
 *
 * @internal
 */
export function maskUrl(value: string): string {
  const [scheme = ''] = /^\s*(rediss?|unix):(\/\/)?/i.exec(value) ?? [];
  return `${scheme.trim()}${MASKED}`;
}
