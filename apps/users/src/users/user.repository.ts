import type { User } from './user.js';

/** Where users are kept. The service knows this and nothing about Redis. */
export abstract class UserRepository {
  /** `undefined` if there is no such user. */
  abstract getById(id: string): Promise<User | undefined>;

  /** The users that exist, in the order of `ids`, in one round trip. */
  abstract getAll(ids: readonly string[]): Promise<User[]>;

  /** Creates or replaces. */
  abstract save(user: User): Promise<void>;

  /** Replaces a user that exists, and creates none. Whether there was one. */
  abstract replace(user: User): Promise<boolean>;

  /** Whether there was such a user. */
  abstract delete(id: string): Promise<boolean>;
}
