/** The fields of a section, as they stand there. */
export type InfoFields = ReadonlyMap<string, string>;

/**
 * Reads what INFO and CLUSTER INFO answer: a line for each field, `name:value`, and comments. What is
 * no such line is skipped: proxies and other servers write what they like.
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

/** A count or a size; `undefined` for what is none, or is not there. */
export function countIn(fields: InfoFields, name: string): number | undefined {
  const text = fields.get(name);
  return text !== undefined && /^\d{1,20}$/.test(text) ? Number(text) : undefined;
}
