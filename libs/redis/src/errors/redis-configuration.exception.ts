import { RedisException } from './redis.exception.js';

/** One setting that cannot be used, in the words of whoever set it. */
export interface ConfigurationProblem {
  /** The option or environment variable, e.g. `REDIS_PORT`. */
  readonly setting: string;
  /** What it was set to, ready to print: secrets are masked. Absent when it was not set. */
  readonly value?: string;
  /** What would be accepted. */
  readonly accepted: string;
}

/**
 * Thrown before any socket is opened when the configuration cannot work. Lists every problem at
 * once, so that fixing one does not reveal the next.
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
