/**
 * A key, or a pattern of keys, in the same hash slot as another one: `{<key>}:suffix`
 * (https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/#hash-tags).
 *
 * @param key is not checked; `suffix` is not encoded
 * @internal
 */
export function siblingOf(key: string, suffix: string): string {
  return `{${key}}:${suffix}`;
}

/**
 * The key beside which a key stands, and the suffix.
 *
 * @returns `undefined` if the key is no sibling
 * @internal
 */
export function splitSibling(key: string): [key: string, suffix: string] | undefined {
  const [, owner, suffix] = /^\{([^{}]+)\}:([^:]+)$/.exec(key) ?? [];
  return owner === undefined || suffix === undefined ? undefined : [owner, suffix];
}
