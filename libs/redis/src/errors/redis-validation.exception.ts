import { RedisException } from './redis.exception.js';

/** An invalid property of a value. */
export interface ValidationProblem {
  /** The path of the property, e.g. `address.street`. */
  readonly property: string;
  /** One sentence for each rule that the property breaks. Never contains the value. */
  readonly messages: readonly string[];
}

/**
 * Thrown when an entity breaks its class-validator rules, or a caller passed an invalid value, such as a
 * cursor. No command was sent.
 *
 * @publicApi
 */
export class RedisValidationException extends RedisException {
  override readonly name = 'RedisValidationException';
  readonly code = 'REDIS_VALIDATION';
  readonly problems: readonly ValidationProblem[];

  constructor(subject: string, problems: readonly ValidationProblem[]) {
    const lines = problems.map((problem) => `${problem.property}: ${problem.messages.join(', ')}`);
    super(`${subject} is not valid. ${lines.join('; ')}.`);
    this.problems = problems;
  }
}
