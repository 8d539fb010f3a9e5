import { RedisInvalidKeyException } from '../errors/redis-invalid-key.exception.js';
import type { KeyBuilder } from '../keys/key-builder.js';
import { encodePart, type KeyPart } from '../keys/key-encoding.js';
import type { CacheKey } from './cache-options.js';
import type { EntryKeys } from './store/cache-store.js';

/**
 * The keys of one cache. Their names begin with the cache's, unless it is the default one.
 *
 * @internal
 */
export class CacheKeys {
  readonly #keys: KeyBuilder;
  readonly #name: readonly KeyPart[];
  /** What every key of this cache begins with. */
  readonly #prefix: string;

  constructor(keys: KeyBuilder, name: string) {
    this.#keys = keys;
    this.#name = name === 'default' ? [] : [name];
    this.#prefix = keys.pattern('cache', ...this.#name).slice(0, -1);
  }

  /** @throws RedisInvalidKeyException for an empty part, and for a foreign key */
  of(key: CacheKey): EntryKeys {
    const entry = typeof key === 'string' ? this.#fromText(key) : this.#fromParts(key);
    return { entry, lease: this.leaseOf(entry) };
  }

  leaseOf(entry: string): string {
    return `{${entry}}:lease`;
  }

  /**
   * Globs for the entries and the leases whose names match: `*` stands for anything, every other
   * character for itself.
   */
  patterns(pattern: string): { readonly entries: string; readonly leases: string } {
    const rest = pattern.startsWith(this.#prefix) ? pattern.slice(this.#prefix.length) : pattern;
    const entries =
      this.#prefix +
      rest
        .split(':')
        .map((part) => this.#glob(part))
        .join(':');
    return { entries, leases: `{${entries}}:lease` };
  }

  #fromText(text: string): string {
    if (!text.startsWith(this.#prefix)) {
      return this.#fromParts(text.split(':'));
    }
    if (this.#keys.parse(text)?.sibling === undefined && this.#keys.parse(text)) return text;
    throw new RedisInvalidKeyException(
      'key',
      'begins like one of this cache, but was not built by a KeyBuilder',
    );
  }

  #fromParts(parts: readonly KeyPart[]): string {
    const [first, ...others] = [...this.#name, ...parts];
    if (parts.length === 0 || first === undefined) {
      throw new RedisInvalidKeyException('the list of parts', 'is empty');
    }
    return this.#keys.key('cache', first, ...others);
  }

  /** Encoded as parts of keys are, but for the asterisks. */
  #glob(part: string): string {
    if (part === '') throw new RedisInvalidKeyException('the pattern', 'has an empty part');
    return part
      .split('*')
      .map((literal) => (literal === '' ? '' : encodePart(literal, 'the pattern')))
      .join('*');
  }
}
