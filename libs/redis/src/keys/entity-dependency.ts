import type { KeyBuilder } from './key-builder.js';
import { VERSION } from './sibling.js';

/**
 * Names an entity that other data is made from. A version stands beside the entity, in the same hash
 * slot: caches create it when they store what depends on the entity, and each write of the entity deletes
 * it.
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
  return { entity: key, version: keys.sibling(key, VERSION) };
}
