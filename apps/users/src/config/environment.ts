import type { ConfigurationProblem } from 'nestjs-redis-data';
import { RedisConfigurationException, redisOptionsFromEnvironment } from 'nestjs-redis-data';
import { missingRedis } from 'nestjs-redis-data/embedded';

import { AppVariables } from './app.variables.js';
import { databaseProblems } from './database.variables.js';
import { EnvironmentException } from './environment.exception.js';
import type { Environment } from './variables.js';
import { problemsOf, readVariables } from './variables.js';

/**
 * Checks the variables of the application, of its database and of Redis together, and reports all problems
 * at once, including variables that are missing in production. It opens nothing.
 *
 * @throws EnvironmentException
 */
export function checkEnvironment(env: Environment): void {
  const problems = [
    ...problemsOf(readVariables(new AppVariables(), env)),
    ...databaseProblems(env),
    ...redisProblems(env),
    ...missingRedis(env),
  ];
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
