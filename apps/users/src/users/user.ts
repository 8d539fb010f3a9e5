/**
 * @module users The subject of this API: users, their routes, their service and their stores.
 */
import { Type } from 'class-transformer';
import { IsDate, IsEmail, IsString } from 'class-validator';
import { EntityId, Indexed, RedisEntity } from 'nestjs-redis-data';

/**
 * A person with an account. These rules are for stored data, which is also checked when it is read. The
 * rules for input are stricter, and may change without making stored users invalid.
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

  /** In lower case, so that upper and lower case make no difference to uniqueness. */
  @IsEmail()
  @Indexed({ unique: true })
  readonly email!: string;

  @IsDate()
  @Type(() => Date)
  @Indexed({ range: true })
  readonly createdAt!: Date;

  @IsDate()
  @Type(() => Date)
  readonly updatedAt!: Date;
}

/** The parts of a user that its owner chooses. */
export type UserDetails = Pick<User, 'firstName' | 'lastName' | 'email'>;

/** The tag by which everything that is cached about a user can be invalidated. */
export const userTag = (id: string): string => `user-${id}`;

/**
 * Matches a text that every store can keep as it is. PostgreSQL refuses the character NUL, SQLite's driver
 * ends a text there, and both replace half of a surrogate pair by another character.
 */
export const STORABLE_TEXT = /^[^\0\p{Cs}]*$/u;
export const STORABLE_TEXT_ACCEPTED =
  'must not contain the character NUL or half of a surrogate pair';

/** The longest text that is looked up as an id; ours have 36 characters. */
export const LONGEST_USER_ID = 64;
