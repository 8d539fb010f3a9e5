import { Catch, ServiceUnavailableException } from '@nestjs/common';
import { BaseExceptionFilter, HttpAdapterHost } from '@nestjs/core';

/**
 * A failing check keeps the body that terminus gives it, which its tools read, instead of becoming a
 * problem like every other 503.
 */
@Catch(ServiceUnavailableException)
export class HealthFilter extends BaseExceptionFilter {
  constructor({ httpAdapter }: HttpAdapterHost) {
    super(httpAdapter);
  }
}
