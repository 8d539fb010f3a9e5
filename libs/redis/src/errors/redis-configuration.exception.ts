import { RedisException } from './redis.exception.js';

/** A setting that cannot be used, under the name by which it was set. */
export interface ConfigurationProblem {
  /** The option or environment variable, e.g. `REDIS_PORT`. */
  readonly setting: string;
  /** The value of the setting, with masked secrets. Absent if it was not set. */
  readonly value?: string;
  /** The values that would be accepted. */
  readonly accepted: string;
}

/**
 * Thrown for a configuration that cannot work, before any connection is opened. Lists all problems at once.
 *
 * @publicApi
 */
export class RedisConfigurationException extends RedisException {
  override readonly name = 'RedisConfigurationException';
  readonly code = 'REDIS_CONFIGURATION';
  readonly problems: readonly ConfigurationProblem[];

  constructor(problems: readonly ConfigurationProblem[]) {
    const noun = problems.length === 1 ? 'problem' : 'problems';
    super(
      [
        `The Redis configuration has ${problems.length} ${noun}:`,
        ...problems.map((problem) => `  - ${describe(problem)}`),
      ].join('\n'),
    );
    this.problems = problems;
  }
}

function describe({ setting, value, accepted }: ConfigurationProblem): string {
  return value === undefined
    ? `${setting} is not set: ${accepted}`
    : `${setting}=${value}: ${accepted}`;
}
