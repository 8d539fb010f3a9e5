import { ApiProperty } from '@nestjs/swagger';
import { Transform } from 'class-transformer';
import { IsEmail, IsString, Length, Matches, MaxLength } from 'class-validator';

import type { UserDetails } from '../user.js';
import { STORABLE_TEXT, STORABLE_TEXT_ACCEPTED } from '../user.js';

const NOT_BLANK = { message: '$property must contain more than spaces' };
/** The accepted texts must not depend on the store. */
const STORABLE = { message: `$property ${STORABLE_TEXT_ACCEPTED}` };

export class CreateUserDto implements UserDetails {
  @ApiProperty({ example: 'Ada', minLength: 1, maxLength: 100 })
  @IsString()
  @Length(1, 100)
  @Matches(/\S/, NOT_BLANK)
  @Matches(STORABLE_TEXT, STORABLE)
  readonly firstName!: string;

  @ApiProperty({ example: 'Lovelace', minLength: 1, maxLength: 100 })
  @IsString()
  @Length(1, 100)
  @Matches(/\S/, NOT_BLANK)
  @Matches(STORABLE_TEXT, STORABLE)
  readonly lastName!: string;

  @ApiProperty({
    example: 'ada@example.com',
    format: 'email',
    maxLength: 254,
    description: 'Unique. It is stored in lower case',
  })
  @Transform(({ value }: { value: unknown }) => inLowerCase(value))
  @IsEmail()
  @MaxLength(254)
  readonly email!: string;
}

function inLowerCase(value: unknown): unknown {
  return typeof value === 'string' ? value.toLowerCase() : value;
}
