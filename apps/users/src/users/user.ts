/**
 * @module users The one thing this API is about.
 */
import { Type } from 'class-transformer';
import { IsDate, IsEmail, IsString } from 'class-validator';
import { EntityId, Indexed, RedisEntity } from 'nestjs-redis-data';

/**
 * A person with an account. The rules here are those of stored data, which is checked when it is read
 * too; what is accepted from outside is stricter, and may change without making stored users invalid.
 */
@RedisEntity({ kind: 'user', validateOnRead: true })
export class User {
  /** A UUID made by the server. */
  @EntityId()
  @IsString()
  readonly id!: string;

  @IsString()
  readonly firstName!: string;

  @IsString()
  readonly lastName!: string;

  /** In lower case, so that it is unique whatever its case. */
  @IsEmail()
  @Indexed({ unique: true })
  readonly email!: string;

  @IsDate()
  @Type(() => Date)
  readonly createdAt!: Date;

  @IsDate()
  @Type(() => Date)
  readonly updatedAt!: Date;
}

/** The parts of a user that its owner chooses. */
export type UserDetails = Pick<User, 'firstName' | 'lastName' | 'email'>;

/** The name under which what is cached of a user can be invalidated. */
export const userTag = (id: string): string => `user-${id}`;

/**
 * A text that every store can keep as it is. PostgreSQL refuses the character NUL, SQLite's driver cuts a
 * text there, and both put another character in the place of half of a surrogate pair.
 */
export const STORABLE_TEXT = /^[^\0\p{Cs}]*$/u;
export const STORABLE_TEXT_ACCEPTED =
  'must not contain the character NUL or half of a surrogate pair';

/** The longest text that is looked up as an id; ours have 36 characters. */
export const LONGEST_USER_ID = 64;
