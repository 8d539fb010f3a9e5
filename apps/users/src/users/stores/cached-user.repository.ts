import type { CacheKey, CacheResult, RedisCache } from 'nestjs-redis-data';

import { StaleUser, User, userTag } from '../user.js';
import type { PageOptions, UserPage } from '../user.repository.js';
import { UserRepository } from '../user.repository.js';

/** What each page has: a change of any user may concern it. */
const ALL_USERS = 'users';

/**
 * Users of another repository, cached in Redis. What is read reflects every change that has been
 * answered before. Without Redis each read asks the other repository.
 */
export class CachedUserRepository extends UserRepository {
  readonly #origin: UserRepository;
  readonly #cache: RedisCache;

  constructor(origin: UserRepository, cache: RedisCache) {
    super();
    this.#origin = origin;
    this.#cache = cache;
  }

  /** A `StaleUser` while the other repository fails, for as long as the cache is `failSafe`. */
  async getById(id: string): Promise<User | null> {
    const { value, status, ageMs } = await this.#read([userTag(id)], [userTag(id)], async () => {
      const user = await this.#origin.getById(id);
      return user && cachedForm(user);
    });
    if (value === null) return null;
    const user = userOf(value);
    return status === 'stale' ? Object.assign(new StaleUser(), user, { ageMs }) : user;
  }

  async getAll(ids: readonly string[]): Promise<Map<string, User>> {
    const distinct = [...new Set(ids)];
    const users = await Promise.all(distinct.map((id) => this.getById(id)));
    return new Map(users.flatMap((user) => (user ? [[user.id, user]] : [])));
  }

  async page({ limit, cursor }: PageOptions): Promise<UserPage> {
    const key = ['page', limit, cursor === undefined ? 'first' : `after-${cursor}`] as const;
    const { value } = await this.#read(key, [ALL_USERS], async () => {
      const page = await this.#origin.page({ limit, cursor });
      return { users: page.users.map(cachedForm), cursor: page.cursor };
    });
    return { users: value.users.map(userOf), cursor: value.cursor };
  }

  save(user: User): Promise<User> {
    return this.#change(user.id, () => this.#origin.save(user));
  }

  update(id: string, change: (user: User) => Partial<User>): Promise<User | null> {
    return this.#change(id, () => this.#origin.update(id, change));
  }

  delete(id: string): Promise<boolean> {
    return this.#change(id, () => this.#origin.delete(id));
  }

  #read<T>(
    key: CacheKey,
    tags: readonly string[],
    load: () => Promise<T>,
  ): Promise<CacheResult<T>> {
    return this.#cache.resolve(key, load, { tags });
  }

  /** A change that fails may have been made all the same: its answer may be what was lost. */
  async #change<T>(id: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } finally {
      await this.#cache.invalidateTags(userTag(id), ALL_USERS);
    }
  }
}

/** JSON has no dates. */
type CachedForm = Omit<User, 'createdAt' | 'updatedAt'> & {
  readonly createdAt: number;
  readonly updatedAt: number;
};

function cachedForm(user: User): CachedForm {
  const { id, firstName, lastName, email, createdAt, updatedAt } = user;
  const dates = { createdAt: createdAt.getTime(), updatedAt: updatedAt.getTime() };
  return { id, firstName, lastName, email, ...dates };
}

function userOf(cached: CachedForm): User {
  return Object.assign(new User(), {
    ...cached,
    createdAt: new Date(cached.createdAt),
    updatedAt: new Date(cached.updatedAt),
  });
}
