import type { KeyBuilder } from './key-builder.js';

/**
 * An entity as something that other data is made from. Beside it, in the same hash slot, is a version
 * that whoever depends on the entity creates, and every write of the entity deletes.
 *
 * @publicApi
 */
export interface EntityDependency {
  /** The entity's key. */
  readonly entity: string;
  /** The key of its version. */
  readonly version: string;
}

/**
 * @param key the key of an entity
 * @internal
 */
export function entityDependency(keys: KeyBuilder, key: string): EntityDependency {
  return { entity: key, version: keys.sibling(key, 'version') };
}

/**
 * The key of the version beside an entity, without asking whether `key` is one: every write needs it.
 *
 * @internal
 */
export function versionBeside(key: string): string {
  return `{${key}}:version`;
}
