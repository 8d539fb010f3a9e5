import { describe, expect, it } from '@jest/globals';
import { RedisConnectionException } from 'nestjs-redis-data';

import { EnvironmentException } from '../config/environment.exception.js';
import { DatabaseStartException } from '../database/database-start.exception.js';
import { describeStartupFailure } from './startup-failure.js';

function listenError(code: string, facts: object): Error {
  return Object.assign(new Error(`listen ${code}`), { code, syscall: 'listen', ...facts });
}

describe('describeStartupFailure', () => {
  it.each([
    new EnvironmentException([{ setting: 'PORT', value: 'x', accepted: 'a port' }]),
    new DatabaseStartException('PostgreSQL at db/users', new Error('it refuses the password')),
    new RedisConnectionException({ host: 'db', port: 6379, originalError: new Error('refused') }),
  ])('lets $name speak for itself, without a stack', (error) => {
    expect(describeStartupFailure(error)).toBe(error.message);
  });

  it.each([
    ['EADDRINUSE', { address: '::1', port: 80 }, /::1:80: another process uses it.*set PORT/],
    ['EACCES', { address: '::1', port: 80 }, /::1:80: not permitted/],
    ['EADDRNOTAVAIL', { address: '1.2.3.4', port: 80 }, /1\.2\.3\.4:80: .*no such address/],
    ['ENOTFOUND', { syscall: 'getaddrinfo', hostname: 'nowhere' }, /on nowhere: .*Set HOST/],
  ])('turns %s into advice', (code, facts, advice) => {
    const text = describeStartupFailure(listenError(code, facts));

    expect(text).toMatch(advice);
    expect(text).not.toMatch(/^ +at /m);
  });

  it.each([new TypeError('x is not a function'), listenError('EMFILE', {})])(
    'shows the stack of %s, which only a developer can help with',
    (error) => {
      expect(describeStartupFailure(error)).toContain(error.stack);
    },
  );

  it('prints what is not an error as it is', () => {
    expect(describeStartupFailure('no')).toBe('The application could not start: no');
  });
});
