import type { ArgumentMetadata } from '@nestjs/common';
import { ValidationPipe } from '@nestjs/common';

import { InvalidInputException } from './invalid-input.exception.js';

/** Refuses fields that a DTO does not declare, and reports every problem of every field at once. */
export class InputPipe extends ValidationPipe {
  constructor() {
    super({
      transform: true,
      whitelist: true,
      forbidNonWhitelisted: true,
      exceptionFactory: (errors) => new InvalidInputException(errors),
    });
  }

  override async transform(value: unknown, metadata: ArgumentMetadata): Promise<unknown> {
    refuseInheritedNames(value);
    return super.transform(value, metadata) as Promise<unknown>;
  }
}

/** Refuses fields such as `constructor`, which class-validator takes for declared: every object has them. */
function refuseInheritedNames(value: unknown): void {
  if (typeof value !== 'object' || value === null) return;
  const names = Object.keys(value).filter((name) => name in Object.prototype);
  if (names.length === 0) return;
  throw new InvalidInputException(
    names.map((property) => ({
      property,
      constraints: { whitelistValidation: `property ${property} should not exist` },
    })),
  );
}
