import type { ArgumentsHost, ExceptionFilter } from '@nestjs/common';
import { Catch, Logger } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';

import { ProblemException } from './problem.exception.js';
import { problemOf } from './problem-of.js';

/**
 * Answers all failures but those of Redis with `application/problem+json`, on any HTTP adapter, and logs
 * those of the server.
 */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  readonly #logger = new Logger(ProblemFilter.name);
  readonly #adapterHost: HttpAdapterHost;

  constructor(adapterHost: HttpAdapterHost) {
    this.#adapterHost = adapterHost;
  }

  catch(exception: unknown, host: ArgumentsHost): void {
    const adapter = this.#adapterHost.httpAdapter;
    const response = host.switchToHttp().getResponse<unknown>();
    const problem = problemOf(exception);
    if (problem.status >= 500) this.#log(exception);
    if (adapter.isHeadersSent(response)) {
      adapter.end(response);
      return;
    }
    adapter.setHeader(response, 'content-type', 'application/problem+json');
    const retryAfter = exception instanceof ProblemException && exception.retryAfterSeconds;
    if (retryAfter) adapter.setHeader(response, 'retry-after', String(retryAfter));
    adapter.reply(response, problem, problem.status);
  }

  /** A store that is away has been logged once; an error line for each request would flood the log. */
  #log(exception: unknown): void {
    const isAway = exception instanceof ProblemException && exception.retryAfterSeconds;
    this.#logger[isAway ? 'debug' : 'error'](exception);
  }
}
