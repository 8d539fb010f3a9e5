/** The fields of a reply to INFO or CLUSTER INFO: name and text. */
export type InfoFields = ReadonlyMap<string, string>;

/**
 * Reads the reply to INFO or CLUSTER INFO, which has a line `name:value` for each field, and comments.
 * Other lines are skipped: proxies and other servers may write anything.
 */
export function parseInfo(text: string): InfoFields {
  const fields = new Map<string, string>();
  for (const line of text.split(/[\r\n]+/)) {
    const colon = line.indexOf(':');
    if (colon <= 0 || line.startsWith('#')) continue;
    fields.set(line.slice(0, colon).trim(), line.slice(colon + 1).trim());
  }
  return fields;
}

/** A count or a size; `undefined` if the field is missing or is not a whole number. */
export function countIn(fields: InfoFields, name: string): number | undefined {
  const text = fields.get(name);
  return text !== undefined && /^\d{1,20}$/.test(text) ? Number(text) : undefined;
}
