import { ReadKey, ReadList } from '../../batch/read-turn.js';
import { slotOf } from '../../connection/driver/hash-slots.js';
import type { KeyBuilder } from '../../keys/key-builder.js';
import { encodePart, type KeyPart } from '../../keys/key-encoding.js';
import { VERSION } from '../../keys/sibling.js';
import type { CacheDependency } from '../cache-options.js';
import { Remembered } from './lru.js';

/**
 * Something that an entry depends on, and what tells whether it is still the same: a version that is
 * stored at a key, or the fingerprint of what is stored there.
 */
export interface Dependency {
  /** Its name in entries. Begins with its kind and has no line break. */
  readonly label: string;
  /** A tag as its callers write it. */
  readonly name?: string;
  readonly by: 'version' | 'fingerprint';
  /** Where the version is, or whose fingerprint it is. */
  readonly key: string;
  /** For the version of an entity: the entity's key, which is in the same hash slot. */
  readonly entity?: string;
  /** Reads its version. */
  readonly read?: ReadKey;
}

interface Named {
  readonly tags?: readonly KeyPart[] | undefined;
  readonly dependsOn?: readonly CacheDependency[] | undefined;
}

/** How many tags are remembered, and how many in lists of them. */
const MOST_REMEMBERED = 20_000;

/**
 * The dependencies of one application: turns names into keys, and labels in stored entries back into both.
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
    return { ...versionAt(`t${key.slice(this.#tagPrefix.length)}`, key), name };
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

  /** The dependency with a label that this class has made, in this process or another. */
  ofLabel(label: string): Dependency {
    const name = label.slice(1);
    switch (label[0]) {
      case 't':
        return versionAt(label, this.#tagPrefix + name);
      case 'e':
        return { ...versionAt(label, this.#keys.sibling(name, VERSION)), entity: name };
      default:
        return { label, by: 'fingerprint', key: JSON.parse(name) as string };
    }
  }
}

/**
 * The dependencies that a read names, each once, in an order. Reads that name the same dependencies share
 * one list, so that the work of reading and comparing sixteen tags is done once for all of them.
 *
 * @internal
 */
export class DependencyList {
  readonly all: readonly Dependency[];
  /** Where the versions are, in the order of the list. Fingerprints are computed and not read. */
  readonly versions: ReadList;
  readonly #names: readonly KeyPart[];
  /** The latest readings of the dependencies, and how these stand in an entry that was made of them. */
  #readings: readonly (string | null)[] = [];
  #block: string | undefined;
  #slots: readonly number[] | undefined;

  /** @param names the tags that it was made for; none if it has other dependencies, too */
  constructor(all: readonly Dependency[], names: readonly KeyPart[] = []) {
    this.all = all;
    this.versions = new ReadList(all.flatMap(({ read }) => read ?? []));
    this.#names = names;
  }

  /** The hash slots of everything in it, each once. */
  get slots(): readonly number[] {
    return (this.#slots ??= [...new Set(this.all.map(({ key }) => slotOf(key)))]);
  }

  /** Whether it was made for exactly these tags. */
  isOf(names: readonly KeyPart[]): boolean {
    const { length } = names;
    if (length !== this.#names.length) return false;
    for (let i = 0; i < length; i++) if (names[i] !== this.#names[i]) return false;
    return true;
  }

  /**
   * How the dependencies stand in an entry that was made of these versions and of nothing else.
   *
   * @param readings in the order of the list
   * @returns `undefined` if one of them is missing in Redis
   */
  blockOf(readings: readonly (string | null)[]): string | undefined {
    if (readings === this.#readings) return this.#block;
    if (this.#block === undefined || !this.#isAsBefore(readings))
      this.#block = this.#make(readings);
    this.#readings = readings;
    return this.#block;
  }

  /** Versions change rarely, and comparing them costs less than building the block again. */
  #isAsBefore(readings: readonly (string | null)[]): boolean {
    const { length } = readings;
    for (let i = 0; i < length; i++) if (readings[i] !== this.#readings[i]) return false;
    return length === this.#readings.length;
  }

  #make(readings: readonly (string | null)[]): string | undefined {
    let block = '';
    for (let i = 0; i < this.all.length; i++) {
      const version = readings[i] ?? null;
      if (version === null) return undefined;
      block += `${this.all[i]?.label}\n${version}\n`;
    }
    return block;
  }
}

/** Whether something is compared by its content, which has no version. */
export function hasContents(versions: ReadonlyMap<string, unknown>): boolean {
  for (const label of versions.keys()) if (label.startsWith('k')) return true;
  return false;
}

/** A dependency on the version that is stored at a key. */
function versionAt(label: string, key: string): Dependency {
  return { label, by: 'version', key, read: new ReadKey(key) };
}

const NONE: readonly never[] = [];
const NOTHING = new DependencyList(NONE);
