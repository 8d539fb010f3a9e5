import { ApiProperty } from '@nestjs/swagger';
import { Transform } from 'class-transformer';
import { ArrayMaxSize, IsArray, Length } from 'class-validator';

import { LONGEST_USER_ID } from '../user.js';

/** One MGET of this many users keeps the reply small enough not to hold up other commands. */
const MOST_IDS = 100;

const ACCEPTED = `a comma-separated list of 1 to ${MOST_IDS} user ids`;
const LIST = { message: `ids must be ${ACCEPTED}` };

export class ListUsersQuery {
  @ApiProperty({ type: String, example: '1,2,3', description: ACCEPTED })
  @Transform(({ value }: { value: unknown }) => split(value))
  @IsArray(LIST)
  @ArrayMaxSize(MOST_IDS, LIST)
  @Length(1, LONGEST_USER_ID, {
    each: true,
    message: `each of ids must have 1 to ${LONGEST_USER_ID} characters`,
  })
  readonly ids!: readonly string[];
}

/** `?ids=1,2&ids=3` counts as one list. */
function split(value: unknown): unknown {
  if (Array.isArray(value)) return value.flatMap((part) => split(part));
  return typeof value === 'string' ? value.split(',') : value;
}
