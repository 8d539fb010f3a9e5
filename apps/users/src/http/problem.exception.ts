import { HttpException } from '@nestjs/common';

import type { Problem } from './problem.js';

/** A failure with its problem for the client. Its message and its cause are for the log. */
export class ProblemException extends HttpException {
  constructor(
    readonly problem: Problem,
    message: string,
    /** The seconds after which the client should try again. */
    readonly retryAfterSeconds?: number,
  ) {
    super(message, problem.status);
  }
}
