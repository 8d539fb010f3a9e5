import { plainToInstance, Type } from 'class-transformer';
import { IsDate, IsString, validateSync } from 'class-validator';
import { RedisSerializationException } from 'nestjs-redis-data';

import type { User } from './user.js';

/** A user as it comes back from JSON, where dates are texts. */
class StoredUser implements User {
  @IsString() readonly id!: string;
  @IsString() readonly firstName!: string;
  @IsString() readonly lastName!: string;
  @IsString() readonly email!: string;
  @IsDate() @Type(() => Date) readonly createdAt!: Date;
  @IsDate() @Type(() => Date) readonly updatedAt!: Date;
}

/**
 * A whole user or an error, never half a user.
 *
 * @param key names the value in the error
 * @throws RedisSerializationException when something else is stored there
 */
export function readStoredUser(value: unknown, key: string): User {
  const user = plainToInstance(StoredUser, value);
  const problems = user instanceof StoredUser ? validateSync(user) : [];
  if (!(user instanceof StoredUser) || problems.length > 0) {
    const properties = problems.map(({ property }) => property).join(', ');
    throw new RedisSerializationException(
      key,
      `is not a user${properties === '' ? '' : ` (look at ${properties})`}`,
    );
  }
  return user;
}
