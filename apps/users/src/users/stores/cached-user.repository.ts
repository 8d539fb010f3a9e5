import type { RedisCache } from 'nestjs-redis-data';

import { User, userTag } from '../user.js';
import type { PageOptions, UserPage } from '../user.repository.js';
import { UserRepository } from '../user.repository.js';

/** The tag of each page: a change of any user may change it. */
const ALL_USERS = 'users';

/**
 * Caches the users of another repository in Redis. A read shows every change that was acknowledged before
 * it. Without Redis each read asks the other repository.
 */
export class CachedUserRepository extends UserRepository {
  readonly #origin: UserRepository;
  readonly #cache: RedisCache;

  constructor(origin: UserRepository, cache: RedisCache) {
    super();
    this.#origin = origin;
    this.#cache = cache;
  }

  async getById(id: string): Promise<User | null> {
    const load = async (): Promise<CachedForm | null> => {
      const user = await this.#origin.getById(id);
      return user && cachedForm(user);
    };
    const cached = await this.#cache.getOrLoad(userTag(id), load, { tags: [userTag(id)] });
    return cached ? userOf(cached) : null;
  }

  async getAll(ids: readonly string[]): Promise<Map<string, User>> {
    const idOf = new Map(ids.map((id) => [userTag(id), id]));
    const load = async (missing: readonly string[]): Promise<Map<string, CachedForm | null>> => {
      const users = await this.#origin.getAll(missing.map((key) => idOf.get(key) as string));
      return new Map([...users].map(([id, user]) => [userTag(id), cachedForm(user)]));
    };
    const cached = await this.#cache.getOrLoadAll([...idOf.keys()], load, { tags: (key) => [key] });
    return new Map(
      [...cached].flatMap(([key, user]) => (user ? [[idOf.get(key) as string, userOf(user)]] : [])),
    );
  }

  async page({ limit, cursor }: PageOptions): Promise<UserPage> {
    const key = ['page', limit, cursor === undefined ? 'first' : `after-${cursor}`] as const;
    const load = async () => {
      const page = await this.#origin.page({ limit, cursor });
      return { users: page.users.map(cachedForm), cursor: page.cursor };
    };
    const cached = await this.#cache.getOrLoad(key, load, { tags: [ALL_USERS] });
    return { users: cached.users.map(userOf), cursor: cached.cursor };
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

  /** Announces the change in Redis before it is made: no old value stays cached even if this process dies. */
  #change<T>(id: string, work: () => Promise<T>): Promise<T> {
    return this.#cache.change({ tags: [userTag(id), ALL_USERS] }, work);
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
