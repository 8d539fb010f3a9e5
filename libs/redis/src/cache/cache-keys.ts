import { RedisInvalidKeyException } from '../errors/redis-invalid-key.exception.js';
import type { KeyBuilder } from '../keys/key-builder.js';
import { encodePart, type KeyPart } from '../keys/key-encoding.js';
import { siblingOf } from '../keys/sibling.js';
import type { CacheKey } from './cache-options.js';
import type { EntryKeys } from './store/cache-store.js';

/** Matches a text that is the same in a key, because no part of it needs to be encoded. */
const PLAIN = /^[\w.@-]+(?::[\w.@-]+)*$/;

/** The names of parts in errors. Made once, because keys are made with every read. */
const PART_NAMES = Array.from({ length: 20 }, (_, i) => `part ${i + 1}`);

/** Makes the lease's key only when asked, because only a miss needs it. */
class KeysOf implements EntryKeys {
  readonly entry: string;

  constructor(entry: string) {
    this.entry = entry;
  }

  get lease(): string {
    return siblingOf(this.entry, 'lease');
  }
}

/**
 * Makes the keys of one cache. Their names begin with the cache's, unless it is the default cache.
 *
 * @internal
 */
export class CacheKeys {
  /** The beginning of the key of every entry. What follows is the entry's name. */
  readonly prefix: string;
  readonly #keys: KeyBuilder;

  constructor(keys: KeyBuilder, name: string) {
    this.#keys = keys;
    const begin = name === 'default' ? [] : [name];
    this.prefix = keys.pattern('cache', ...begin).slice(0, -1);
  }

  /** @throws RedisInvalidKeyException for an empty part, and for a foreign key */
  of(key: CacheKey): EntryKeys {
    return new KeysOf(this.#isBuilt(key) ? this.#checked(key) : this.prefix + this.#named(key));
  }

  /** The name of an entry: two keys have the same one only if they are keys of the same entry. @throws as {@link of} */
  nameOf(key: CacheKey): string {
    return this.#isBuilt(key) ? this.#checked(key).slice(this.prefix.length) : this.#named(key);
  }

  /** Whether a text with which callers ask can only mean the entry with this name. */
  isPlain(name: string): boolean {
    return PLAIN.test(name) && !this.#isBuilt(name);
  }

  leaseOf(entry: string): string {
    return new KeysOf(entry).lease;
  }

  /**
   * Makes globs for the entries and the leases whose names match: `*` stands for anything, every other
   * character for itself.
   */
  patterns(pattern: string): { readonly entries: string; readonly leases: string } {
    const rest = pattern.startsWith(this.prefix) ? pattern.slice(this.prefix.length) : pattern;
    const entries =
      this.prefix +
      rest
        .split(':')
        .map((part) => this.#glob(part))
        .join(':');
    return { entries, leases: siblingOf(entries, 'lease') };
  }

  /** Whether it begins as a KeyBuilder writes the keys of this cache. */
  #isBuilt(key: CacheKey): key is string {
    return typeof key === 'string' && key.startsWith(this.prefix);
  }

  #checked(text: string): string {
    const parsed = this.#keys.parse(text);
    if (parsed && parsed.sibling === undefined) return text;
    throw new RedisInvalidKeyException(
      'key',
      'begins like one of this cache, but was not built by a KeyBuilder',
    );
  }

  #named(key: CacheKey): string {
    if (typeof key !== 'string') return this.#joined(key);
    return PLAIN.test(key) ? key : this.#joined(key.split(':'));
  }

  #joined(parts: readonly KeyPart[]): string {
    if (parts.length === 0) throw new RedisInvalidKeyException('the list of parts', 'is empty');
    let name = '';
    for (let i = 0; i < parts.length; i++) {
      const part = encodePart(parts[i] as KeyPart, PART_NAMES[i] ?? 'a part');
      name += i === 0 ? part : `:${part}`;
    }
    return name;
  }

  /** Encodes all but the asterisks, as in parts of keys. */
  #glob(part: string): string {
    if (part === '') throw new RedisInvalidKeyException('the pattern', 'has an empty part');
    return part
      .split('*')
      .map((literal) => (literal === '' ? '' : encodePart(literal, 'the pattern')))
      .join('*');
  }
}

/** A key as a text for people, in errors and logs. */
export function nameOfKey(key: CacheKey): string {
  return typeof key === 'string' ? key : key.join(':');
}
