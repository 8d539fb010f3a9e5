import { ReadKey } from '../../batch/read-turn.js';

/**
 * Something that an entry depends on, and what tells whether it is still the same: a version that is
 * stored at a key, or the fingerprint of what is stored there.
 */
export interface Dependency {
  /** What it is called in entries; begins with its kind. Has no line break. */
  readonly label: string;
  readonly by: 'version' | 'fingerprint';
  /** Where the version is, or whose fingerprint it is. */
  readonly key: string;
  /** For the version of an entity: the entity's key, which is in the same hash slot. */
  readonly entity?: string;
  /** By which its version is read. */
  readonly read?: ReadKey;
}

/** On the version that is stored at a key. */
export function versionAt(label: string, key: string): Dependency {
  return { label, by: 'version', key, read: new ReadKey(key) };
}
