import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Transform } from 'class-transformer';
import { ArrayMaxSize, IsArray, IsOptional, Length } from 'class-validator';

const LONGEST_NAME = 1_000;
const MOST_TAGS = 50;

/** Asks about an entry of the cache. */
export class ExplainCacheQuery {
  @ApiPropertyOptional({
    description: 'The name of the cache, as in metrics and logs. By default that of the responses',
    example: 'users',
  })
  @IsOptional()
  @Length(1, LONGEST_NAME)
  readonly cache?: string;

  @ApiProperty({
    description: 'The name of the entry, such as `user-42`, or its whole key in Redis',
    example: 'user-42',
  })
  @Length(1, LONGEST_NAME)
  readonly key!: string;

  @ApiPropertyOptional({
    type: String,
    description: 'The tags that the caller would name, separated by commas',
  })
  @IsOptional()
  @Transform(({ value }: { value: unknown }) =>
    typeof value === 'string' ? value.split(',') : value,
  )
  @IsArray({ message: 'tags must be a comma-separated list' })
  @ArrayMaxSize(MOST_TAGS)
  @Length(1, LONGEST_NAME, { each: true })
  readonly tags?: readonly string[];
}
