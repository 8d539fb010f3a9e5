import { ApiPropertyOptional } from '@nestjs/swagger';
import { Transform, Type } from 'class-transformer';
import {
  ArrayMaxSize,
  IsArray,
  IsInt,
  IsOptional,
  IsString,
  Length,
  Max,
  Min,
  ValidateBy,
} from 'class-validator';

import { LONGEST_USER_ID } from '../user.js';

/** One MGET of this many users keeps the reply small enough not to hold up other commands. */
const MOST_USERS = 100;

/** About how many users a page has by default. */
export const USUAL_LIMIT = 20;

const IDS = `a comma-separated list of 1 to ${MOST_USERS} user ids`;
const LIST = { message: `ids must be ${IDS}` };

/** Asks for users by their ids, or for a page of all users. */
export class ListUsersQuery {
  @ApiPropertyOptional({
    type: String,
    description: `The users to read: ${IDS}. It excludes the other parameters.`,
  })
  @IsOptional()
  @Transform(({ value }: { value: unknown }) => split(value))
  @IsArray(LIST)
  @ArrayMaxSize(MOST_USERS, LIST)
  @Length(1, LONGEST_USER_ID, {
    each: true,
    message: `each of ids must have 1 to ${LONGEST_USER_ID} characters`,
  })
  readonly ids?: readonly string[];

  @ApiPropertyOptional({
    type: 'integer',
    minimum: 1,
    maximum: MOST_USERS,
    default: USUAL_LIMIT,
    description: 'About how many users a page has. It may be more, fewer or none.',
  })
  @IsOptional()
  @Type(() => Number)
  @IsInt()
  @Min(1)
  @Max(MOST_USERS)
  @WithoutIds()
  readonly limit?: number;

  @ApiPropertyOptional({ description: 'The cursor in the `Link` header of the page before' })
  @IsOptional()
  @IsString()
  @WithoutIds()
  readonly cursor?: string;
}

/** `?ids=1,2&ids=3` counts as one list. */
function split(value: unknown): unknown {
  if (Array.isArray(value)) return value.flatMap((part) => split(part));
  return typeof value === 'string' ? value.split(',') : value;
}

/** Refuses a parameter of pages beside `ids`. */
function WithoutIds(): PropertyDecorator {
  return ValidateBy({
    name: 'withoutIds',
    validator: {
      validate: (_, context) => (context?.object as ListUsersQuery).ids === undefined,
      defaultMessage: () => '$property does not go with ids',
    },
  });
}
