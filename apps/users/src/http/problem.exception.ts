import { HttpException } from '@nestjs/common';

import type { Problem } from './problem.js';

/** A failure that knows what the client is told of it. Its message and its cause are for the log. */
export class ProblemException extends HttpException {
  constructor(
    readonly problem: Problem,
    message: string,
    /** After how many seconds the client should try again. */
    readonly retryAfterSeconds?: number,
  ) {
    super(message, problem.status);
  }
}
