import { slotOf } from '../../connection/driver/hash-slots.js';
import type { CacheSerializer } from '../../serialization/cache-serializer.js';
import { jsonSerializer } from '../../serialization/json-bodies.js';
import type { EntityDependency } from '../../keys/entity-dependency.js';
import type { KeyPart } from '../../keys/key-encoding.js';
import type { EntryKind } from '../entry/envelope.js';
import type { Link } from '../../connection/tracking/link.js';
import type { Sieved } from './sieve.js';

/** Something that entries of a near copy depend on, and how often it has changed since it is known. */
export interface Source {
  /** Where its version is. */
  readonly key: string;
  /** Its name in entries. */
  readonly label: string;
  /** A tag as callers write it; `undefined` if no caller has named it yet. */
  name: string | undefined;
  /** The hash slot of its key; `undefined` until it is asked for. */
  slot: number | undefined;
  /** The version of all entries that are valid. */
  version: string;
  changes: number;
  /** How many entries depend on it. */
  entries: number;
}

/** Says that the values of a serializer are never changed by those who get them. @internal */
export const VALUES_ARE_SHARED = Symbol('values are shared');

/** A body, in one of the forms in which it is kept. */
export type NearBody =
  /** JSON, parsed for each caller. */
  | { readonly form: 'text'; readonly body: string }
  /** The output of another serializer: each character is a byte. */
  | { readonly form: 'bytes'; readonly body: string }
  /** One value for all callers with the serializer that made it. */
  | { readonly form: 'shared'; readonly body: unknown; readonly by: CacheSerializer<unknown> };

interface NearFacts {
  /** Its key is the two together. */
  readonly prefix: string;
  readonly name: string;
  /** Whether callers who ask with its name as a text ask for it. */
  readonly isPlain: boolean;
  readonly kind: EntryKind;
  readonly serializer: string;
  readonly fillId: string;
  readonly loadedAt: number;
  /** On the clock of `performance.now()`. */
  readonly freshUntil: number;
  readonly sources: readonly Source[];
  readonly bytes: number;
}

/**
 * An entry of a near copy. It is valid as long as nothing that it depends on has changed since, and known to
 * be while the links to the servers of all that are as they were.
 *
 * Counts instead of comparing: the numbers of changes and the epochs only grow, so their sums are the same
 * only if each of them is.
 *
 * @internal
 */
export class NearEntry implements Sieved<NearEntry> {
  readonly name: string;
  readonly isPlain: boolean;
  readonly kind: EntryKind;
  readonly serializer: string;
  readonly fillId: string;
  readonly loadedAt: number;
  readonly freshUntil: number;
  readonly sources: readonly Source[];
  readonly bytes: number;
  wasRead = false;
  newer: NearEntry | undefined = undefined;
  older: NearEntry | undefined = undefined;
  /** How many changes its copy knew of when it was last found unchanged. */
  unchangedAt = -1;
  readonly #prefix: string;
  readonly #form: NearBody['form'];
  readonly #body: unknown;
  /** The serializer that made the value, if it is shared. */
  readonly #by: CacheSerializer<unknown> | undefined;
  readonly #changes: number;
  #links: readonly Link[];
  #epochs: number;
  #slot: number | undefined = undefined;

  constructor(facts: NearFacts, body: NearBody, links: readonly Link[]) {
    this.name = facts.name;
    this.isPlain = facts.isPlain;
    this.kind = facts.kind;
    this.serializer = facts.serializer;
    this.fillId = facts.fillId;
    this.loadedAt = facts.loadedAt;
    this.freshUntil = facts.freshUntil;
    this.sources = facts.sources;
    this.bytes = facts.bytes;
    this.#prefix = facts.prefix;
    this.#form = body.form;
    this.#body = body.body;
    this.#by = body.form === 'shared' ? body.by : undefined;
    this.#changes = changesOf(facts.sources);
    this.#links = links;
    this.#epochs = epochsOf(links);
  }

  get key(): string {
    return this.#prefix + this.name;
  }

  /** Its own key, and those of everything that it depends on. */
  get keys(): string[] {
    return [this.key, ...this.sources.map((source) => source.key)];
  }

  /** Whether nothing that it depends on is known to have changed. */
  get isUnchanged(): boolean {
    return changesOf(this.sources) === this.#changes;
  }

  /** Whether no link was lost since it was read or confirmed. */
  get isConfirmed(): boolean {
    return epochsOf(this.#links) === this.#epochs;
  }

  /** Whether all changes that were acknowledged before this moment are known. */
  isProvenAt(moment: number): boolean {
    for (const { provenAt } of this.#links) if (provenAt < moment) return false;
    return true;
  }

  dependsOnServer(link: Link): boolean {
    return this.#links.includes(link);
  }

  /**
   * Whether it, or something that it depends on, is in one of these hash slots. Remembers its own: while a
   * cluster is resharded this is asked of all entries again and again.
   */
  isInSlots(slots: ReadonlySet<number>): boolean {
    if (slots.has((this.#slot ??= slotOf(this.key)))) return true;
    for (const source of this.sources) {
      if (slots.has((source.slot ??= slotOf(source.key)))) return true;
    }
    return false;
  }

  confirm(links: readonly Link[]): void {
    this.#links = links;
    this.#epochs = epochsOf(links);
  }

  doubt(): void {
    this.#epochs = -1;
  }

  /** Whether a serializer can read it. */
  isFor(serializer: CacheSerializer<unknown>): boolean {
    if (this.kind !== 'v') return true;
    return this.#by ? this.#by === serializer : this.serializer === serializer.name;
  }

  /**
   * Makes a value of a caller's own, or returns the one that all share.
   *
   * @throws what the serializer throws
   */
  valueFor(serializer: CacheSerializer<unknown>): unknown {
    if (this.kind !== 'v') return this.kind === 'n' ? null : undefined;
    if (this.#by) return this.#body;
    const body = this.#body as string;
    if (this.#form === 'text' && serializer === jsonSerializer) return JSON.parse(body);
    const encoding = this.#form === 'text' ? 'utf8' : 'latin1';
    return serializer.deserialize(Buffer.from(body, encoding), this.key);
  }

  /**
   * Whether it depends on everything that a caller names. Most callers name the same in the same order.
   *
   * @param labelOf the name of a tag in entries
   */
  dependsOn(
    tags: readonly KeyPart[] = NONE,
    others: readonly (string | EntityDependency)[] = NONE,
    labelOf: (tag: KeyPart) => string,
  ): boolean {
    const { sources } = this;
    for (let i = 0; i < tags.length; i++) {
      const tag = tags[i] as KeyPart;
      if (sources[i]?.name === tag) continue;
      const label = labelOf(tag);
      if (!sources.some((source) => source.label === label)) return false;
    }
    if (others.length === 0) return true;
    return others.every(
      (other) =>
        typeof other !== 'string' && sources.some((source) => source.key === other.version),
    );
  }
}

const NONE: readonly never[] = [];

function changesOf(sources: readonly Source[]): number {
  let sum = 0;
  for (const { changes } of sources) sum += changes;
  return sum;
}

function epochsOf(links: readonly Link[]): number {
  let sum = 0;
  for (const { epoch } of links) sum += epoch;
  return sum;
}
