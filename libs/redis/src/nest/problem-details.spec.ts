import { describe, expect, it } from '@jest/globals';
import { RedisAuthenticationException } from '../errors/redis-authentication.exception.js';
import { RedisBatchException } from '../errors/redis-batch.exception.js';
import { RedisCommandException } from '../errors/redis-command.exception.js';
import { RedisConfigurationException } from '../errors/redis-configuration.exception.js';
import { RedisConflictException } from '../errors/redis-conflict.exception.js';
import { RedisConnectionException } from '../errors/redis-connection.exception.js';
import { RedisInvalidKeyException } from '../errors/redis-invalid-key.exception.js';
import { RedisInvalidationException } from '../errors/redis-invalidation.exception.js';
import { RedisKeyNotFoundException } from '../errors/redis-key-not-found.exception.js';
import { RedisOutOfMemoryException } from '../errors/redis-out-of-memory.exception.js';
import { RedisPermissionException } from '../errors/redis-permission.exception.js';
import { RedisPoolExhaustedException } from '../errors/redis-pool-exhausted.exception.js';
import { RedisSerializationException } from '../errors/redis-serialization.exception.js';
import { RedisTimeoutException } from '../errors/redis-timeout.exception.js';
import { RedisUnavailableException } from '../errors/redis-unavailable.exception.js';
import { RedisValidationException } from '../errors/redis-validation.exception.js';
import type { RedisException } from '../errors/redis.exception.js';
import { problemOf } from './problem-details.js';

const SECRET = 'secret-host-or-key';
const timeout = new RedisTimeoutException({ operation: 'get', key: SECRET, timeoutMs: 5 });
const validation = new RedisValidationException('User', [
  { property: 'email', messages: ['must be an e-mail address'] },
]);
const table: [RedisException, number, string][] = [
  [
    new RedisConnectionException({ host: SECRET, port: 1, originalError: new Error(SECRET) }),
    503,
    'connection',
  ],
  [timeout, 503, 'timeout'],
  [new RedisPoolExhaustedException(50, 5), 503, 'pool-exhausted'],
  [new RedisAuthenticationException({ cause: SECRET }), 500, 'authentication'],
  [new RedisPermissionException(SECRET), 500, 'permission'],
  [new RedisUnavailableException(SECRET), 503, 'unavailable'],
  [new RedisOutOfMemoryException(), 503, 'out-of-memory'],
  [new RedisCommandException({ operation: 'get', key: SECRET, reply: 'ERR' }), 500, 'command'],
  [new RedisKeyNotFoundException(SECRET), 404, 'key-not-found'],
  [new RedisInvalidKeyException('part 1', `is ${SECRET}`), 400, 'invalid-key'],
  [validation, 400, 'validation'],
  [new RedisConflictException(SECRET, SECRET), 409, 'conflict'],
  [new RedisSerializationException(SECRET, SECRET), 500, 'serialization'],
  [new RedisConfigurationException([]), 500, 'configuration'],
];

describe('problemOf', () => {
  it('tells the client of a change that is made not to repeat it', () => {
    const unconfirmed = new RedisInvalidationException(
      { tags: [SECRET], keys: [], result: SECRET },
      { cause: timeout },
    );

    const { status, detail } = problemOf(unconfirmed, { timeoutStatus: 503 });

    expect(status).toBe(500);
    expect(detail).toMatch(/The change was made.*Do not repeat it/);
    expect(detail).not.toContain(SECRET);
  });

  it.each(table)('answers %p with %d', (exception, status, kind) => {
    const problem = problemOf(exception, { timeoutStatus: 503 });
    expect(problem).toMatchObject({
      type: `urn:nestjs-redis-data:${kind}`,
      status,
      code: exception.code,
    });
    expect(JSON.stringify(problem)).not.toContain(SECRET);
  });

  it('says 504 for a timeout if it is told to', () => {
    expect(problemOf(timeout, { timeoutStatus: 504 }).status).toBe(504);
  });

  it('lists what is wrong with an entity', () => {
    expect(problemOf(validation, { timeoutStatus: 503 }).errors).toEqual(validation.problems);
  });

  it('names the property whose value is taken, and only that', () => {
    const taken = new RedisConflictException(SECRET, SECRET, { property: 'email' });
    expect(problemOf(taken, { timeoutStatus: 503 }).errors).toEqual([
      { property: 'email', messages: ['email is already taken'] },
    ]);
    const lost = new RedisConflictException(SECRET, SECRET);
    expect(problemOf(lost, { timeoutStatus: 503 })).not.toHaveProperty('errors');
  });

  it('answers a batch like the worst of its failures', () => {
    const missing = new RedisKeyNotFoundException('a');
    const batch = (...errors: RedisException[]) =>
      new RedisBatchException('getAll', new Map(errors.map((e, i) => [`${i}`, e])), new Map());
    expect(problemOf(batch(missing, timeout), { timeoutStatus: 503 }).code).toBe('REDIS_TIMEOUT');
    expect(problemOf(batch(missing), { timeoutStatus: 503 }).status).toBe(404);
    expect(problemOf(batch(), { timeoutStatus: 503 }).status).toBe(500);
  });
});
