import type { User } from './user.js';

/** Where to begin, and how much to read. */
export interface PageOptions {
  /** About how many users to read. */
  readonly limit: number;
  /** The `cursor` of the page before; none for the first page. */
  readonly cursor?: string | undefined;
}

/** Some of all users. */
export interface UserPage {
  readonly users: readonly User[];
  /** What to ask for the next page with; `null` after the last one. */
  readonly cursor: string | null;
}

/**
 * Where users are kept, as the service needs it. What an implementation fails with, beyond the
 * exceptions named here, is a failure of what it keeps them in.
 */
export abstract class UserRepository {
  /** `null` if there is no such user; a `StaleUser` if only an old copy can be read. */
  abstract getById(id: string): Promise<User | null>;

  /** The users that exist, each once, in the order of `ids`, in one round trip. */
  abstract getAll(ids: readonly string[]): Promise<Map<string, User>>;

  /**
   * About `limit` of all users, and a cursor to go on with. Following the cursors shows every user that
   * is there all the time.
   *
   * @throws UnacceptableValueException for a cursor that no page has given
   */
  abstract page(options: PageOptions): Promise<UserPage>;

  /**
   * Creates or replaces.
   *
   * @throws EmailTakenException
   * @throws UnacceptableValueException for a text that cannot be kept as it is
   */
  abstract save(user: User): Promise<User>;

  /**
   * Changes a user that exists, and creates none. Nothing that others change meanwhile is lost.
   *
   * @param change called again for each attempt
   * @returns `null` if there is no such user
   * @throws EmailTakenException
   * @throws TooManyChangesException
   * @throws UnacceptableValueException for a text that cannot be kept as it is
   */
  abstract update(id: string, change: (user: User) => Partial<User>): Promise<User | null>;

  /** Whether there was such a user. */
  abstract delete(id: string): Promise<boolean>;
}
