import { Catch, ServiceUnavailableException } from '@nestjs/common';
import { BaseExceptionFilter, HttpAdapterHost } from '@nestjs/core';

/**
 * Answers a failing check with the body of terminus, which its tools read, and not with a problem like every
 * other 503.
 */
@Catch(ServiceUnavailableException)
export class HealthFilter extends BaseExceptionFilter {
  constructor({ httpAdapter }: HttpAdapterHost) {
    super(httpAdapter);
  }
}
