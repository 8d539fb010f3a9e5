import { describe, expect, it } from '@jest/globals';

import { checkEnvironment } from './environment.js';

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
  ])('refuses %s=%s and says what is accepted', (name, value) => {
    expect(() => checkEnvironment({ [name]: value })).toThrow(
      new RegExp(`has 1 problem;.*\\n {2}- ${name}=${value}: .{10,}`),
    );
  });

  it('reports the problems of the application and of Redis together, secrets masked', () => {
    const check = () =>
      checkEnvironment({
        PORT: 'x',
        REDIS_PORT: 'y',
        REDIS_URL: 'http://me:hunter2@somewhere',
        REDIS_STARTUP: 'later',
      });

    expect(check).toThrow(expect.objectContaining({ name: 'EnvironmentException' }));
    for (const line of ['PORT=x', 'REDIS_PORT=y', 'REDIS_URL=', 'REDIS_STARTUP=later']) {
      expect(check).toThrow(`  - ${line}`);
    }
    expect(check).not.toThrow('hunter2');
  });
});
