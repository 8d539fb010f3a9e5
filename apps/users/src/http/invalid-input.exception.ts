import type { ValidationError } from '@nestjs/common';
import { HttpStatus } from '@nestjs/common';

import { FieldsException } from './fields.exception.js';
import type { FieldProblem } from './problem.js';

/** A body, query or parameter that does not pass its rules; names every field and every rule. */
export class InvalidInputException extends FieldsException {
  constructor(errors: readonly ValidationError[]) {
    super({
      type: 'urn:users-api:invalid-fields',
      status: HttpStatus.BAD_REQUEST,
      detail: 'The request has invalid fields.',
      errors: errors.flatMap((error) => flatten(error)),
    });
  }
}

function flatten(error: ValidationError, parent = ''): FieldProblem[] {
  const property = `${parent}${error.property}`;
  const messages = [...new Set(Object.values(error.constraints ?? {}))];
  const nested = (error.children ?? []).flatMap((child) => flatten(child, `${property}.`));
  return messages.length > 0 ? [{ property, messages }, ...nested] : nested;
}
