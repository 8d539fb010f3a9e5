const LONGEST_SHOWN = 120;

/** Stands in a message in the place of a secret. */
export const MASKED = '***';

/**
 * A refused value as messages may show it. A value that may be an address with credentials, or a part of
 * one, is hidden: it was refused because it could not be read, so it is not known where its password is.
 *
 * @internal
 */
export function maskSecrets(value: string): string {
  if (/[/@?#\\%]/.test(value)) return maskUrl(value);
  return value.length > LONGEST_SHOWN ? `${value.slice(0, LONGEST_SHOWN)}...` : value;
}

/**
 * All that messages may show of a refused URL: its scheme, if that is one that the library accepts.
 *
 * @internal
 */
export function maskUrl(value: string): string {
  const [scheme = ''] = /^\s*(rediss?|unix):(\/\/)?/i.exec(value) ?? [];
  return `${scheme.trim()}${MASKED}`;
}
