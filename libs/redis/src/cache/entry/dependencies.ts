import type { KeyBuilder } from '../../keys/key-builder.js';
import { encodePart, type KeyPart } from '../../keys/key-encoding.js';
import type { CacheDependency } from '../cache-options.js';
import { versionAt, type Dependency } from './dependency.js';
import { DependencyList } from './dependency-list.js';
import { Remembered } from './lru.js';

interface Named {
  readonly tags?: readonly KeyPart[] | undefined;
  readonly dependsOn?: readonly CacheDependency[] | undefined;
}

/** How many tags are remembered, and how many in lists of them. */
const MOST_REMEMBERED = 20_000;

/**
 * The dependencies of one application: names to keys, and labels in stored entries back to both.
 *
 * @internal
 */
export class Dependencies {
  readonly #keys: KeyBuilder;
  readonly #tagPrefix: string;
  readonly #tags = new Remembered<Dependency>(MOST_REMEMBERED);
  readonly #lists = new Remembered<DependencyList>(MOST_REMEMBERED, ({ all }) => all.length);

  constructor(keys: KeyBuilder) {
    this.#keys = keys;
    this.#tagPrefix = keys.pattern('tag').slice(0, -1);
  }

  /** @throws RedisInvalidKeyException for an empty name */
  tag(part: KeyPart): Dependency {
    const name = typeof part === 'string' ? part : encodePart(part, 'tag'); // 5 and '5' are one
    return this.#tags.get(name) ?? this.#tags.set(name, this.#makeTag(name));
  }

  #makeTag(name: string): Dependency {
    const key = this.#keys.tagKey(name);
    return versionAt(`t${key.slice(this.#tagPrefix.length)}`, key);
  }

  /** An entity by its version, any other key by its content. */
  on(dependency: CacheDependency): Dependency {
    if (typeof dependency === 'string') {
      return { label: `k${JSON.stringify(dependency)}`, by: 'fingerprint', key: dependency };
    }
    const { entity, version } = dependency;
    return { ...versionAt(`e${entity}`, version), entity };
  }

  /** The same list for the same tags, however often they are named. */
  list({ tags = NONE, dependsOn = NONE }: Named): DependencyList {
    if (dependsOn.length > 0) return new DependencyList(this.all({ tags, dependsOn }));
    if (tags.length === 0) return NOTHING;
    // Nearly as telling as all of the names, and sixteen times cheaper to look for.
    const ends = `${String(tags[0])}\n${String(tags[tags.length - 1])}`;
    const known = this.#lists.get(ends);
    if (known?.isOf(tags)) return known;
    return this.#lists.set(ends, new DependencyList(this.all({ tags }), [...tags]));
  }

  /** Each once, in the order they are named. */
  all({ tags, dependsOn }: Named): readonly Dependency[] {
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
        return versionAt(label, this.#tagPrefix + name);
      case 'e':
        return { ...versionAt(label, this.#keys.sibling(name, 'version')), entity: name };
      default:
        return { label, by: 'fingerprint', key: JSON.parse(name) as string };
    }
  }
}

const NONE: readonly never[] = [];
const NOTHING = new DependencyList(NONE);
