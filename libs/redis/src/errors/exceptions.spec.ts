import { inspect } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import { RedisBatchException } from './redis-batch.exception.js';
import { RedisCommandException } from './redis-command.exception.js';
import { RedisConfigurationException } from './redis-configuration.exception.js';
import { RedisConnectionException } from './redis-connection.exception.js';
import { RedisException } from './redis.exception.js';
import { RedisKeyNotFoundException } from './redis-key-not-found.exception.js';
import { RedisInvalidationException } from './redis-invalidation.exception.js';
import { RedisLoadCycleException } from './redis-load-cycle.exception.js';
import { RedisLoadTimeoutException } from './redis-load-timeout.exception.js';
import { RedisPermissionException } from './redis-permission.exception.js';
import { RedisTimeoutException } from './redis-timeout.exception.js';
import { RedisValidationException } from './redis-validation.exception.js';

describe('exceptions', () => {
  it('are errors with a literal name, a code, facts and a cause', () => {
    const originalError = Object.assign(new Error('connect ECONNREFUSED'), {
      code: 'ECONNREFUSED',
    });
    const exception = new RedisConnectionException({ host: 'h', port: 1, originalError });
    expect(exception).toBeInstanceOf(RedisException);
    expect(exception).toBeInstanceOf(Error);
    expect(exception).toMatchObject({
      name: 'RedisConnectionException',
      code: 'REDIS_CONNECTION',
      host: 'h',
      port: 1,
      originalError,
      cause: originalError,
    });
    expect(String(exception)).toBe(
      'RedisConnectionException: No connection to Redis at h:1 (ECONNREFUSED). ' +
        'Is the server running, and is the address right?',
    );
  });

  it.each<[RedisException, RegExp]>([
    [
      new RedisTimeoutException({ operation: 'get', key: 'user:1', timeoutMs: 50 }),
      /did not answer get on "user:1" within 50 ms/,
    ],
    [
      new RedisLoadTimeoutException({ key: 'post:1', timeoutMs: 50, waitedFor: 'loader' }),
      /loader of "post:1" took longer than loadTimeout, 50 ms\. Make what it waits for faster/,
    ],
    [
      new RedisLoadTimeoutException({ key: 'post:1', timeoutMs: 50, waitedFor: 'turn' }),
      /loader of "post:1" was not called within loadTimeout, 50 ms: Redis does not answer/,
    ],
    [
      new RedisLoadCycleException(['a', 'b', 'a']),
      /loader of "a" asks for its own value \("a" -> "b" -> "a"\).*call the source/,
    ],
    [new RedisTimeoutException({ operation: 'ping', timeoutMs: 50 }), /answer ping within 50 ms/],
    [
      new RedisCommandException({ operation: 'hget', key: 'k', reply: 'WRONGTYPE' }),
      /rejected hget on "k" with WRONGTYPE: the key holds another data type/,
    ],
    [new RedisCommandException({ reply: 'CROSSSLOT' }), /a command with CROSSSLOT.*hash slots/],
    [new RedisPermissionException(undefined), /lacks the permission for this command/],
    [new RedisPermissionException('set'), /lacks the permission for set/],
    [
      new RedisConnectionException({ host: 'h', port: 1, originalError: new Error('closed') }),
      /No connection to Redis at h:1 \(closed\)/,
    ],
    [
      new RedisInvalidationException({ tags: ['a', 'b'], keys: ['c'], result: 1 }),
      /The change is made.*cached values of 2 tags and 1 key may be old.*Do not repeat the change/,
    ],
    [new RedisKeyNotFoundException('user:1'), /no value at "user:1"/],
    [
      new RedisValidationException('User', [{ property: 'email', messages: ['a', 'b'] }]),
      /User is not valid\. email: a, b/,
    ],
    [
      new RedisBatchException(
        'getAll',
        new Map([['a', new RedisKeyNotFoundException('a')]]),
        new Map(),
      ),
      /getAll failed for 1 of 1 keys/,
    ],
    [new RedisConnectionException({ host: 'h', port: 1, originalError: 'odd' }), /no reason given/],
    [
      new RedisConfigurationException([{ setting: 'A', accepted: 'x' }]),
      /has 1 problem:\n {2}- A is not set: x/,
    ],
  ])('%p says what happened, to what, and what to try', (exception, message) => {
    expect(exception.message).toMatch(message);
  });

  it('show the result of a change only when code reads it', () => {
    const exception = new RedisInvalidationException({
      tags: ['t'],
      keys: [],
      result: { secret: 's3cret' },
    });
    expect(exception.result).toEqual({ secret: 's3cret' });
    const shown = [inspect(exception, { depth: 9 }), JSON.stringify(exception), String(exception)];
    const { ...copied } = exception;
    for (const text of [...shown, JSON.stringify(copied)]) expect(text).not.toContain('s3cret');
  });
});
