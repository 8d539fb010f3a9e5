/**
 * @module users The one thing this API is about.
 */

/** A person with an account. Immutable: a change makes a new one. */
export interface User {
  /** A UUID made by the server. */
  readonly id: string;
  readonly firstName: string;
  readonly lastName: string;
  readonly email: string;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

/** The parts of a user that its owner chooses. */
export type UserDetails = Pick<User, 'firstName' | 'lastName' | 'email'>;

/** The longest text that is looked up as an id; ours have 36 characters. */
export const LONGEST_USER_ID = 64;
