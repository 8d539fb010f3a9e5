import { describe, expect, it } from '@jest/globals';

import { checkEnvironment } from './environment.js';
import type { Environment } from './variables.js';

describe('checkEnvironment', () => {
  it('accepts an empty environment, because everything has a default', () => {
    expect(() => checkEnvironment({})).not.toThrow();
  });

  it('takes an empty or blank variable for one that is not set', () => {
    expect(() => checkEnvironment({ PORT: '', HOST: ' ', REDIS_PORT: '' })).not.toThrow();
  });

  it.each([
    ['PORT', '80x'],
    ['PORT', '65536'],
    ['PORT', '-1'],
    ['HOST', 'a b'],
    ['HOST', 'http://localhost'],
    ['LOG_LEVEL', 'loud'],
    ['LOG_FORMAT', 'yaml'],
    ['HTTP_REQUEST_TIMEOUT', '0'],
    ['HTTP_REQUEST_TIMEOUT', '1 s'],
    ['HTTP_MAX_QUEUE_TIME', '-1ms'],
    ['HTTP_MAX_IN_FLIGHT', '0'],
    ['HTTP_MAX_IN_FLIGHT', '1e3'],
    ['USERS_STORE', 'memory'],
    ['DATABASE_POOL_SIZE', '0'],
    ['DATABASE_POOL_SIZE', '1001'],
    ['DATABASE_CONNECT_TIMEOUT', '0'],
    ['DATABASE_STATEMENT_TIMEOUT', 'never'],
  ])('refuses %s=%s and says what is accepted', (name, value) => {
    expect(() => checkEnvironment({ [name]: value })).toThrow(
      new RegExp(`has 1 problem;.*\\n {2}- ${name}=${value}: .{10,}`),
    );
  });

  describe('in production', () => {
    const checkProduction = (env: Environment) => () =>
      checkEnvironment({ ...env, NODE_ENV: 'production' });
    const REDIS_URL = 'redis://redis';

    it.each([{}, { DATABASE_URL: ' ' }])('requires the database: %j', (env) => {
      expect(checkProduction({ REDIS_URL, ...env })).toThrow(
        /has 1 problem;.*\n {2}- DATABASE_URL is not set: in production .*postgres:/,
      );
    });

    it('requires the Redis for every store', () => {
      for (const USERS_STORE of ['cached', 'sql', 'redis']) {
        expect(checkProduction({ USERS_STORE, DATABASE_URL: 'postgres://db/users' })).toThrow(
          /has 1 problem;.*\n {2}- REDIS_URL is not set: with NODE_ENV=production .*REDIS_HOST/,
        );
      }
    });

    it('says at one start that both are missing, and what else is wrong', () => {
      expect(checkProduction({})).toThrow(
        /has 2 problems;.*\n {2}- DATABASE_URL is not set: .*\n {2}- REDIS_URL is not set: /,
      );
      expect(checkProduction({ PORT: 'x', REDIS_DB: 'first' })).toThrow('has 4 problems;');
    });

    it.each([
      { USERS_STORE: 'redis', REDIS_URL },
      { DATABASE_URL: 'file:/var/lib/users.db', REDIS_SENTINELS: 'a:1', REDIS_SENTINEL_NAME: 'm' },
      { DATABASE_URL: 'postgres://db/users', REDIS_CLUSTER_NODES: 'a:1' },
    ])('accepts %j', (env) => {
      expect(checkProduction(env)).not.toThrow();
    });
  });

  it('requires the Redis with REDIS_EMBEDDED=off', () => {
    expect(() => checkEnvironment({ REDIS_EMBEDDED: 'off' })).toThrow(
      /has 1 problem;.*\n {2}- REDIS_URL is not set: with REDIS_EMBEDDED=off /,
    );
  });

  it('reports the problems of the application, its database and Redis together, secrets masked', () => {
    const check = () =>
      checkEnvironment({
        PORT: 'x',
        REDIS_PORT: 'y',
        REDIS_URL: 'http://me:hunter2@somewhere',
        REDIS_STARTUP: 'later',
        DATABASE_URL: 'mysql://me:hunter2@somewhere/users?password=hunter2',
      });

    expect(check).toThrow(expect.objectContaining({ name: 'EnvironmentException' }));
    for (const line of ['PORT=x', 'REDIS_PORT=y', 'REDIS_URL=', 'DATABASE_URL=mysql:: postgres']) {
      expect(check).toThrow(`  - ${line}`);
    }
    expect(check).not.toThrow('hunter2');
  });
});
