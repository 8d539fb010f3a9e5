import { STATUS_CODES } from 'node:http';

import { HttpException } from '@nestjs/common';

import { InvalidInputException } from './invalid-input.exception.js';
import { ProblemException } from './problem.exception.js';
import type { Problem } from './problem.js';

/** The type of a problem with `errors`; all others are described by their status. */
const INVALID_FIELDS = 'urn:users-api:invalid-fields';

/** Describes any failure for a client. Details that are not for clients go to the log only. */
export function problemOf(exception: unknown): Problem {
  if (exception instanceof ProblemException) return exception.problem;
  const status = exception instanceof HttpException ? exception.getStatus() : 500;
  const title = STATUS_CODES[status] ?? 'Error';
  if (!(exception instanceof HttpException) || status >= 500) {
    return { type: 'about:blank', title, status };
  }
  const detail = exception.message;
  return exception instanceof InvalidInputException
    ? { type: INVALID_FIELDS, title, status, detail, errors: exception.errors }
    : { type: 'about:blank', title, status, detail };
}
