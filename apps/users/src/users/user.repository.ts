import type { Page, PageOptions } from 'nestjs-redis-data';

import type { User } from './user.js';

/** Where users are kept, as the service needs it. */
export abstract class UserRepository {
  /** `null` if there is no such user. */
  abstract getById(id: string): Promise<User | null>;

  /** The users that exist, each once, in the order of `ids`, in one round trip. */
  abstract getAll(ids: readonly string[]): Promise<Map<string, User>>;

  /** About `limit` of all users, and a cursor to go on with; `null` after the last of them. */
  abstract page(options: PageOptions): Promise<Page<User>>;

  /**
   * Creates or replaces.
   *
   * @throws RedisConflictException if another user has the e-mail
   */
  abstract save(user: User): Promise<User>;

  /**
   * Changes a user that exists, and creates none. Nothing that others change meanwhile is lost.
   *
   * @param change called again for each attempt
   * @returns `null` if there is no such user
   * @throws RedisConflictException if another user has the e-mail
   */
  abstract update(id: string, change: (user: User) => Partial<User>): Promise<User | null>;

  /** Whether there was such a user. */
  abstract delete(id: string): Promise<boolean>;
}
