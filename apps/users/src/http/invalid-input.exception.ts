import type { ValidationError } from '@nestjs/common';
import { BadRequestException } from '@nestjs/common';

import type { FieldProblem } from './problem.js';

/** Thrown for a body, query or parameter that breaks its rules. Names every field and every rule. */
export class InvalidInputException extends BadRequestException {
  readonly errors: readonly FieldProblem[];

  constructor(errors: readonly ValidationError[]) {
    super('The request has invalid fields.');
    this.errors = errors.flatMap((error) => flatten(error));
  }
}

function flatten(error: ValidationError, parent = ''): FieldProblem[] {
  const property = `${parent}${error.property}`;
  const messages = [...new Set(Object.values(error.constraints ?? {}))];
  const nested = (error.children ?? []).flatMap((child) => flatten(child, `${property}.`));
  return messages.length > 0 ? [{ property, messages }, ...nested] : nested;
}
