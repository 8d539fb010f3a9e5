import type { User } from './user.js';

/** The begin and the length of a page. */
export interface PageOptions {
  /** The most users to read. */
  readonly limit: number;
  /** The `cursor` of the page before; none for the first page. */
  readonly cursor?: string | undefined;
}

/** A page of users. */
export interface UserPage {
  readonly users: readonly User[];
  /** The `cursor` of the next page; `null` on the last one. */
  readonly cursor: string | null;
}

/**
 * Stores users, as the service needs it (a port). All other exceptions of an implementation than those named
 * here are failures of its store.
 */
export abstract class UserRepository {
  /** Reads a user; `null` if there is no such user. */
  abstract getById(id: string): Promise<User | null>;

  /** Reads the users that exist, each once, in the order of `ids`, in one round trip. */
  abstract getAll(ids: readonly string[]): Promise<Map<string, User>>;

  /**
   * Reads `limit` users at most, oldest first, and the cursor of the next page. The cursors lead to every user
   * that exists all the time.
   *
   * @throws UnacceptableValueException for a cursor that no page has given
   */
  abstract page(options: PageOptions): Promise<UserPage>;

  /**
   * Creates or replaces a user.
   *
   * @throws EmailTakenException
   * @throws UnacceptableValueException for a text that cannot be kept as it is
   */
  abstract save(user: User): Promise<User>;

  /**
   * Changes a user that exists, and creates none. Changes that others make meanwhile are not lost.
   *
   * @param change called again for each attempt
   * @returns `null` if there is no such user
   * @throws EmailTakenException
   * @throws TooManyChangesException
   * @throws UnacceptableValueException for a text that cannot be kept as it is
   */
  abstract update(id: string, change: (user: User) => Partial<User>): Promise<User | null>;

  /** Deletes a user. Resolves to whether there was such a user. */
  abstract delete(id: string): Promise<boolean>;
}
