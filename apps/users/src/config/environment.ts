import type { ConfigurationProblem } from 'nestjs-redis-data';
import { RedisConfigurationException, redisOptionsFromEnvironment } from 'nestjs-redis-data';

import type { Environment } from './app.variables.js';
import { appProblems, readAppVariables } from './app.variables.js';
import { EnvironmentException } from './environment.exception.js';

/**
 * Checks the variables of the application and of Redis together, so that whoever sets them sees
 * every problem at once. Opens nothing.
 *
 * @throws EnvironmentException
 */
export function checkEnvironment(env: Environment): void {
  const problems = [...appProblems(readAppVariables(env)), ...redisProblems(env)];
  if (problems.length > 0) throw new EnvironmentException(problems);
}

function redisProblems(env: Environment): readonly ConfigurationProblem[] {
  try {
    redisOptionsFromEnvironment(env);
    return [];
  } catch (error) {
    if (error instanceof RedisConfigurationException) return error.problems;
    throw error;
  }
}
