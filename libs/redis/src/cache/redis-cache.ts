/**
 * @module cache Values that are expensive to make, kept in Redis and never served once they were
 * invalidated.
 */
import type { RedisClient } from '../connection/options/options.js';
import type { KeyBuilder } from '../keys/key-builder.js';
import type { KeyPart } from '../keys/key-encoding.js';
import type { Telemetry } from '../telemetry/telemetry.js';
import type {
  CacheKey,
  CacheResult,
  GetOptions,
  GetOrLoadOptions,
  InvalidatePatternOptions,
  Loader,
  RedisCacheOptions,
  SetOptions,
} from './cache-options.js';

/** @publicApi */
export class RedisCache {
  readonly #client: RedisClient;
  readonly #keys: KeyBuilder;

  constructor(
    client: RedisClient,
    keys: KeyBuilder,
    _options: RedisCacheOptions = {},
    _telemetry?: Telemetry,
  ) {
    this.#client = client;
    this.#keys = keys;
  }

  async getOrLoad<T>(
    key: CacheKey,
    loader: Loader<T>,
    options: GetOrLoadOptions<T> = {},
  ): Promise<T> {
    return (await this.resolve(key, loader, options)).value;
  }

  async resolve<T>(
    key: CacheKey,
    loader: Loader<T>,
    { serializer = JSON as never }: GetOrLoadOptions<T> = {},
  ): Promise<CacheResult<T>> {
    const found = await this.#client.get(this.#keyOf(key));
    if (found !== null) return { value: serializer.deserialize(found), status: 'hit', ageMs: 0 };
    const noop = () => undefined;
    const value = await loader({
      signal: new AbortController().signal,
      addTags: noop,
      setTtl: noop,
      skipCache: noop,
      dependOn: async () => undefined,
      read: (k) => this.#client.get(k),
    });
    await this.#client.set(this.#keyOf(key), serializer.serialize(value), 'PX', 60_000);
    return { value, status: 'miss', ageMs: 0 };
  }

  async get<T>(key: CacheKey, _options: GetOptions<T> = {}): Promise<T | undefined> {
    const text = await this.#client.get(this.#keyOf(key));
    return text === null ? undefined : (JSON.parse(text) as T);
  }

  async set<T>(key: CacheKey, value: T, _options: SetOptions<T> = {}): Promise<void> {
    await this.#client.set(this.#keyOf(key), JSON.stringify(value), 'PX', 60_000);
  }

  async delete(key: CacheKey): Promise<boolean> {
    return (await this.#client.unlink(this.#keyOf(key))) > 0;
  }

  async invalidateTags(..._tags: readonly KeyPart[]): Promise<void> {}

  async invalidatePattern(
    _pattern: string,
    _options: InvalidatePatternOptions = {},
  ): Promise<number> {
    return 0;
  }

  async close(): Promise<void> {}

  #keyOf(key: CacheKey): string {
    return typeof key === 'string' ? key : this.#keys.key('cache', ...key);
  }
}
