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

/** The suffix of a version, and the first part of its key. */
export const VERSION = 'version';

/**
 * The key of the version beside an entity: `version:{app}:{environment}:` (these braces are placeholders),
 * then the entity's key in braces, and therefore in the same hash slot. Servers push the changes of keys
 * that begin with a prefix, and one prefix serves the versions of all entities.
 *
 * Every write needs its version. Most are of the kind before, whose beginning is remembered: to take it out
 * of each key made a save a fiftieth slower.
 *
 * @param key is not checked
 * @internal
 */
export function versionBeside(key: string): string {
  if (before === '' || !key.startsWith(before)) rememberBeginningOf(key);
  return `${beginning}${key}}`;
}

/** How the latest key began, up to its id, and how its version begins. */
let before = '';
let beginning = '';

function rememberBeginningOf(key: string): void {
  const app = key.indexOf(':');
  const environment = key.indexOf(':', app + 1);
  const id = key.indexOf(':', environment + 1) + 1;
  before = environment < 0 ? '' : key.slice(0, id); // the beginning of a foreign key is not remembered
  beginning = `${VERSION}${key.slice(app, id)}{`;
}

/**
 * The key beside which a key stands, and the suffix; of a version the entity's key and `version`.
 *
 * @returns `undefined` if the key is no sibling
 * @internal
 */
export function splitSibling(key: string): [key: string, suffix: string] | undefined {
  const [, front, owner, suffix] = /^([^{}]*)\{([^{}]+)\}(?::([^:]+))?$/.exec(key) ?? [];
  if (owner === undefined) return undefined;
  if (front !== '') return versionBeside(owner) === key ? [owner, VERSION] : undefined;
  return suffix === undefined || suffix === VERSION ? undefined : [owner, suffix];
}
