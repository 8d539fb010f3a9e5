import type { KeyBuilder } from '../../keys/key-builder.js';
import { encodePart, type KeyPart } from '../../keys/key-encoding.js';
import type { CacheDependency } from '../cache-options.js';

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
}

/** How many tags are remembered, and then as many of those before them that are still in use. */
const MOST_REMEMBERED = 20_000;

/**
 * The dependencies of one application: names to keys, and labels in stored entries back to both.
 *
 * @internal
 */
export class Dependencies {
  readonly #keys: KeyBuilder;
  readonly #tagPrefix: string;
  #tags = new Map<string, Dependency>();
  #olderTags: ReadonlyMap<string, Dependency> = new Map();

  constructor(keys: KeyBuilder) {
    this.#keys = keys;
    this.#tagPrefix = keys.pattern('tag').slice(0, -1);
  }

  /** @throws RedisInvalidKeyException for an empty name */
  tag(part: KeyPart): Dependency {
    const name = typeof part === 'string' ? part : encodePart(part, 'tag'); // 5 and '5' are one
    const known = this.#tags.get(name);
    if (known) return known;
    const tag = this.#olderTags.get(name) ?? this.#makeTag(name);
    if (this.#tags.size >= MOST_REMEMBERED) {
      this.#olderTags = this.#tags;
      this.#tags = new Map();
    }
    this.#tags.set(name, tag);
    return tag;
  }

  #makeTag(name: string): Dependency {
    const key = this.#keys.tagKey(name);
    return { label: `t${key.slice(this.#tagPrefix.length)}`, by: 'version', key };
  }

  /** An entity by its version, any other key by its content. */
  on(dependency: CacheDependency): Dependency {
    if (typeof dependency === 'string') {
      return { label: `k${JSON.stringify(dependency)}`, by: 'fingerprint', key: dependency };
    }
    const { entity, version } = dependency;
    return { label: `e${entity}`, by: 'version', key: version, entity };
  }

  /** Each once, in the order they are named. */
  all({
    tags,
    dependsOn,
  }: {
    readonly tags?: readonly KeyPart[] | undefined;
    readonly dependsOn?: readonly CacheDependency[] | undefined;
  }): readonly Dependency[] {
    if (!tags?.length && !dependsOn?.length) return NONE;
    const all: Dependency[] = [];
    for (const name of tags ?? NONE) {
      const tag = this.tag(name);
      if (!all.includes(tag)) all.push(tag);
    }
    for (const key of dependsOn ?? NONE) {
      const dependency = this.on(key);
      if (!all.some(({ label }) => label === dependency.label)) all.push(dependency);
    }
    return all;
  }

  /** @returns `undefined` if one of them was not made here: it is from a damaged entry */
  ofLabels(labels: readonly string[]): readonly Dependency[] | undefined {
    try {
      return labels.map((label) => this.ofLabel(label));
    } catch {
      return undefined;
    }
  }

  /** Of a label that was made here, in this process or another. */
  ofLabel(label: string): Dependency {
    const name = label.slice(1);
    switch (label[0]) {
      case 't':
        return { label, by: 'version', key: this.#tagPrefix + name };
      case 'e':
        return { label, by: 'version', key: this.#keys.sibling(name, 'version'), entity: name };
      default:
        return { label, by: 'fingerprint', key: JSON.parse(name) as string };
    }
  }
}

const NONE: readonly never[] = [];
