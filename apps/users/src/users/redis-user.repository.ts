import { Injectable } from '@nestjs/common';
import type { RedisClient, ResolvedRedisOptions } from 'nestjs-redis-data';
import {
  InjectKeyBuilder,
  InjectRedis,
  InjectRedisOptions,
  JsonSerializer,
  KeyBuilder,
} from 'nestjs-redis-data';

import { readStoredUser } from './stored-user.js';
import type { User } from './user.js';
import { UserRepository } from './user.repository.js';

/**
 * Users as JSON under `user:{app}:{environment}:{id}` (the braces are placeholders). A user expires
 * `REDIS_DEFAULT_TTL` after it was last written; with `forever` it stays.
 */
@Injectable()
export class RedisUserRepository extends UserRepository {
  readonly #redis: RedisClient;
  readonly #keys: KeyBuilder;
  readonly #ttlMs: ResolvedRedisOptions['defaultTtlMs'];
  readonly #serializer = new JsonSerializer();

  constructor(
    @InjectRedis() redis: RedisClient,
    @InjectKeyBuilder() keys: KeyBuilder,
    @InjectRedisOptions() options: ResolvedRedisOptions,
  ) {
    super();
    this.#redis = redis;
    this.#keys = keys;
    this.#ttlMs = options.defaultTtlMs;
  }

  async getById(id: string): Promise<User | undefined> {
    const key = this.#keys.userKey(id);
    return this.#read(key, await this.#redis.get(key));
  }

  async getAll(ids: readonly string[]): Promise<User[]> {
    if (ids.length === 0) return [];
    const keys = ids.map((id) => this.#keys.userKey(id));
    const texts = await this.#getTexts(keys);
    return keys.flatMap((key, i) => this.#read(key, texts[i]) ?? []);
  }

  async save(user: User): Promise<void> {
    const key = this.#keys.userKey(user.id);
    const text = this.#serializer.serialize(user, key);
    // Value and expiry in one command: a crash in between would leave a user that never expires.
    if (this.#ttlMs === 'forever') await this.#redis.set(key, text);
    else await this.#redis.set(key, text, 'PX', this.#ttlMs);
  }

  async replace(user: User): Promise<boolean> {
    const key = this.#keys.userKey(user.id);
    const text = this.#serializer.serialize(user, key);
    const reply =
      this.#ttlMs === 'forever'
        ? await this.#redis.set(key, text, 'XX')
        : await this.#redis.set(key, text, 'PX', this.#ttlMs, 'XX');
    return reply === 'OK';
  }

  async delete(id: string): Promise<boolean> {
    return (await this.#redis.unlink(this.#keys.userKey(id))) === 1;
  }

  /** In a cluster the keys live on several nodes: the GETs of one tick share a round trip to each. */
  #getTexts(keys: string[]): Promise<(string | null)[]> {
    const redis = this.#redis;
    return 'nodes' in redis ? Promise.all(keys.map((key) => redis.get(key))) : redis.mget(keys);
  }

  #read(key: string, text: string | null | undefined): User | undefined {
    if (text === null || text === undefined) return undefined;
    return readStoredUser(this.#serializer.deserialize(text, key), key);
  }
}
