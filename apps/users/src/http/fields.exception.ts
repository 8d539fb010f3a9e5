import { HttpException } from '@nestjs/common';

import type { Problem } from './problem.js';

type FieldsProblem = Required<Pick<Problem, 'type' | 'status' | 'detail' | 'errors'>>;

/** A failure that is about fields of the request; the answer says which. */
export abstract class FieldsException extends HttpException {
  readonly type: string;
  readonly errors: FieldsProblem['errors'];

  constructor({ type, status, detail, errors }: FieldsProblem, options?: ErrorOptions) {
    super(detail, status, options);
    this.type = type;
    this.errors = errors;
  }
}
