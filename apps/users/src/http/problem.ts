/**
 * @module http The API as clients see it: errors, validation, metrics, overload, documentation.
 */
import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';

/** The mistakes in one field of a request. */
export class FieldProblem {
  @ApiProperty({ example: 'email', description: 'The path of the field' })
  readonly property!: string;

  @ApiProperty({ example: ['email must be an email'] })
  readonly messages!: readonly string[];
}

/** The body of every error response (RFC 9457). */
export class Problem {
  @ApiProperty({ example: 'about:blank', description: 'The kind of problem. It never changes' })
  readonly type!: string;

  @ApiProperty({ example: 'Bad Request' })
  readonly title!: string;

  @ApiProperty({ example: 400 })
  readonly status!: number;

  @ApiPropertyOptional({ example: 'The request has invalid fields.' })
  readonly detail?: string;

  @ApiPropertyOptional({
    example: 'CONFLICT',
    description: 'The failure, where the status does not name it. It never changes',
  })
  readonly code?: string;

  @ApiPropertyOptional({ type: [FieldProblem], description: 'Every field that is not valid' })
  readonly errors?: readonly FieldProblem[];
}
