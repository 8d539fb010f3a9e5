/** The table of docs/guide/errors.md says what the code does: code, status and Retry-After. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import * as library from 'nestjs-redis-data';
import { problemOf } from '../../libs/redis/src/nest/problem-details.js';

const table = [...readFileSync('docs/guide/errors.md', 'utf8').matchAll(/^\|.*\|$/gm)]
  .map(([row]) => row.split('|').map((cell) => cell.trim().replaceAll('`', '')))
  .filter(
    ([, , exception = '', code = '']) => exception.startsWith('Redis') && code.startsWith('REDIS_'),
  )
  .map(([, , exception = '', code = '', http = '', retryAfter = '']) => ({
    exception,
    code,
    http,
    retryAfter,
  }));

const examples: Readonly<Record<string, library.RedisException>> = {
  RedisAuthenticationException: new library.RedisAuthenticationException(),
  RedisCommandException: new library.RedisCommandException({ reply: 'ERR' }),
  RedisConfigurationException: new library.RedisConfigurationException([]),
  RedisConflictException: new library.RedisConflictException('k', 'lost'),
  RedisConnectionException: new library.RedisConnectionException({
    host: 'h',
    port: 1,
    originalError: undefined,
  }),
  RedisInvalidationException: new library.RedisInvalidationException({
    tags: ['t'],
    keys: [],
    result: undefined,
  }),
  RedisInvalidKeyException: new library.RedisInvalidKeyException('part 1', 'is empty'),
  RedisKeyNotFoundException: new library.RedisKeyNotFoundException('k'),
  RedisLoadCycleException: new library.RedisLoadCycleException(['k', 'k']),
  RedisLoadTimeoutException: new library.RedisLoadTimeoutException({
    key: 'k',
    timeoutMs: 1,
    waitedFor: 'loader',
  }),
  RedisOutOfMemoryException: new library.RedisOutOfMemoryException(),
  RedisPermissionException: new library.RedisPermissionException('get'),
  RedisPoolExhaustedException: new library.RedisPoolExhaustedException(1, 1),
  RedisSerializationException: new library.RedisSerializationException('k', 'is not JSON'),
  RedisTimeoutException: new library.RedisTimeoutException({ operation: 'get', timeoutMs: 1 }),
  RedisUnavailableException: new library.RedisUnavailableException('LOADING'),
  RedisUnconfirmedException: new library.RedisUnconfirmedException({
    confirmed: 0,
    replicas: 1,
    timeoutMs: 100,
    reason: 'late',
  }),
  RedisValidationException: new library.RedisValidationException('User', []),
};

describe('the table of errors in the guide', () => {
  it('has a row for every exception', () => {
    const exported = Object.keys(library).filter((name) => /^Redis\w+Exception$/.test(name));
    expect(table.map(({ exception }) => exception).sort()).toEqual(exported.sort());
  });

  // A batch answers like the worst of its failures: there is no one row to compare.
  it.each(table.filter(({ exception }) => exception !== 'RedisBatchException'))(
    'tells the truth about $exception',
    ({ exception, code, http, retryAfter }) => {
      const example = examples[exception];
      if (!example) throw new Error(`no example of ${exception}`);
      const { status } = problemOf(example, { timeoutStatus: 503 });
      expect(code).toBe(example.code);
      expect(http).toMatch(new RegExp(`^${status}\\b`));
      expect(retryAfter).toBe(status === 503 ? 'yes' : 'no');
    },
  );
});
