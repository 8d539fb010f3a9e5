import { STATUS_CODES } from 'node:http';

import { HttpException } from '@nestjs/common';

import { FieldsException } from './fields.exception.js';
import type { Problem } from './problem.js';

/** The problem is no more than its status. */
const NO_TYPE = 'about:blank';

/** Describes any failure. What is not the client's business stays out of the response: it is for the log. */
export function problemOf(exception: unknown): Problem {
  const status = exception instanceof HttpException ? exception.getStatus() : 500;
  const title = STATUS_CODES[status] ?? 'Error';
  if (!(exception instanceof HttpException) || status >= 500) {
    return { type: NO_TYPE, title, status };
  }
  const detail = exception.message;
  return exception instanceof FieldsException
    ? { type: exception.type, title, status, detail, errors: exception.errors }
    : { type: NO_TYPE, title, status, detail };
}
