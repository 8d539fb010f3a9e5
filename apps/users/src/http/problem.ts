/**
 * @module http What the API looks like from outside: errors, validation, logs, documentation.
 */
import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';

/** What is wrong with one field of a request. */
export class FieldProblem {
  @ApiProperty({ example: 'email', description: 'The path of the field' })
  readonly property!: string;

  @ApiProperty({ example: ['email must be an email'] })
  readonly messages!: readonly string[];
}

/** The body of every error response, as RFC 9457 has it. */
export class Problem {
  @ApiProperty({ example: 'about:blank', description: 'Names the kind of problem; stable' })
  readonly type!: string;

  @ApiProperty({ example: 'Bad Request' })
  readonly title!: string;

  @ApiProperty({ example: 400 })
  readonly status!: number;

  @ApiPropertyOptional({ example: 'The request has invalid fields.' })
  readonly detail?: string;

  @ApiPropertyOptional({
    example: 'CONFLICT',
    description: 'Names the failure where its status does not; stable',
  })
  readonly code?: string;

  @ApiPropertyOptional({ type: [FieldProblem], description: 'Every field that is not valid' })
  readonly errors?: readonly FieldProblem[];
}
