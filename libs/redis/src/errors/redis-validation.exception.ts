import { RedisException } from './redis.exception.js';

/** One thing that is wrong with a value. */
export interface ValidationProblem {
  /** The path of the property, e.g. `address.street`. */
  readonly property: string;
  /** What it has to be, one sentence each. Never the value itself. */
  readonly messages: readonly string[];
}

/**
 * Thrown before anything is sent: an entity does not pass its class-validator rules, or a caller gave
 * a value, such as a cursor, that cannot be used.
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
