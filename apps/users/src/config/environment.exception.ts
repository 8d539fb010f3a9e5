import type { ConfigurationProblem } from 'nestjs-redis-data';

/** Thrown for environment variables that cannot be used, before anything is opened. Lists all of them. */
export class EnvironmentException extends Error {
  override readonly name = 'EnvironmentException';

  constructor(readonly problems: readonly ConfigurationProblem[]) {
    const noun = problems.length === 1 ? 'problem' : 'problems';
    super(
      [
        `The environment has ${problems.length} ${noun}; .env.example documents every variable:`,
        ...problems.map(describe),
      ].join('\n'),
    );
  }
}

function describe({ setting, value, accepted }: ConfigurationProblem): string {
  return value === undefined
    ? `  - ${setting} is not set: ${accepted}`
    : `  - ${setting}=${value}: ${accepted}`;
}
