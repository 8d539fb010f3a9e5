const LONGEST_SHOWN = 120;

/** What stands in a message where a secret was. */
export const MASKED = '***';

/**
 * A configured value as it may be printed. Of what could hold credentials (an `@`, a query, or a
 * Redis URL that cannot be taken apart) only what stands outside of them is kept.
 *
 * @internal
 */
export function maskSecrets(value: string): string {
  const scheme = /^rediss?:(\/\/)?/i.exec(value)?.[0] ?? '';
  const query = value.indexOf('?');
  if (query !== -1) return `${maskSecrets(value.slice(0, query))}?${MASKED}`;
  const at = value.lastIndexOf('@');
  if (at !== -1) return shorten(`${scheme}${MASKED}@${value.slice(at + 1)}`);
  const readable = scheme === '' || (scheme.endsWith('//') && URL.canParse(value));
  return readable ? shorten(value) : `${scheme}${MASKED}`;
}

function shorten(text: string): string {
  return text.length > LONGEST_SHOWN ? `${text.slice(0, LONGEST_SHOWN)}...` : text;
}
