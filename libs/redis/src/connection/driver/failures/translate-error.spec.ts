import { describe, expect, it } from '@jest/globals';
import { recordFailure } from './command-failures.js';
import { isRedisFailure, translateError } from './translate-error.js';

const address = { host: 'h', port: 1 };
const named = (name: string, message: string) => Object.assign(new Error(message), { name });

describe('translateError, for what a real server cannot be made to say here', () => {
  it.each<[string, string]>([
    ['CLUSTERDOWN The cluster is down', 'RedisUnavailableException'],
    ['MASTERDOWN Link with MASTER is down', 'RedisUnavailableException'],
    ['TRYAGAIN Multiple keys request during rehashing', 'RedisUnavailableException'],
    ['MISCONF Redis is configured to save RDB snapshots', 'RedisUnavailableException'],
    ['DENIED Redis is running in protected mode', 'RedisAuthenticationException'],
    ['ERR max number of clients reached', 'RedisConnectionException'],
    [
      "ERR The user executing the script can't access at least one of the keys mentioned in the command arguments",
      'RedisPermissionException',
    ],
    [
      'ERR ACL failure in script: No permissions to access a key script: 1f2e, on @user_script:1.',
      'RedisPermissionException',
    ],
    [
      "ERR ACL failure in script: User clerk has no permissions to run the 'set' command",
      'RedisPermissionException',
    ],
    [
      "ERR The user executing the script can't publish to the channel mentioned in the command",
      'RedisPermissionException',
    ],
    ['something without a code', 'RedisCommandException'],
  ])('translates the reply %j', (reply, name) => {
    expect(translateError(named('ReplyError', reply))?.name).toBe(name);
  });

  // As Redis 6.2 says it.
  it.each<[string, string]>([
    [
      "@user_script: 1: -OOM command not allowed when used memory > 'maxmemory'.",
      'RedisOutOfMemoryException',
    ],
    [
      "@user_script: 1: -READONLY You can't write against a read only replica.",
      'RedisUnavailableException',
    ],
    [
      "@user_script: 1: The user executing the script can't run this command or subcommand",
      'RedisPermissionException',
    ],
    ['WRONGTYPE Operation against a key holding the wrong kind of value', 'RedisCommandException'],
    ['user_script:1: OOM says the script itself', 'RedisCommandException'],
  ])('finds the reply to a command of a script in %j', (said, name) => {
    const reply = `ERR Error running script (call to f_7b61): @user_script:1: ${said}`;
    expect(translateError(named('ReplyError', reply))?.name).toBe(name);
  });

  it('finds the reply to a command that a script of Redis 6.2 returns', () => {
    const reply = "@user_script: 5: -OOM command not allowed when used memory > 'maxmemory'.";
    expect(translateError(named('ReplyError', reply))?.name).toBe('RedisOutOfMemoryException');
  });

  it('looks into an aborted transaction for the reason', () => {
    const aborted = Object.assign(named('ReplyError', 'EXECABORT Transaction discarded'), {
      previousErrors: [named('ReplyError', 'OOM command not allowed')],
    });
    expect(translateError(aborted)?.name).toBe('RedisOutOfMemoryException');
    expect(translateError(named('ReplyError', 'EXECABORT x'))?.name).toBe('RedisCommandException');
  });

  it('leaves alone what is not known to come from Redis', () => {
    const refused = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
    for (const error of [
      refused,
      new Error('Command timed out'),
      new TypeError('x'),
      'text',
      null,
    ]) {
      expect(translateError(error)).toBeUndefined();
      expect(isRedisFailure(error)).toBe(false);
    }
    expect(isRedisFailure(named('MaxRetriesPerRequestError', 'x'))).toBe(true);
  });

  it('uses what was recorded about the failed command', () => {
    const error = new Error('Command timed out');
    recordFailure(error, { connection: 'c', address, timeoutMs: 5, operation: 'get', key: 'k' });
    expect(translateError(error)).toMatchObject({
      name: 'RedisTimeoutException',
      operation: 'get',
      key: 'k',
      timeoutMs: 5,
      cause: error,
    });
  });

  it('says so when it is not known where a foreign client was connected to', () => {
    expect(translateError(named('MaxRetriesPerRequestError', 'x'))).toMatchObject({
      name: 'RedisConnectionException',
      host: 'unknown host',
    });
  });

  it('looks into a cluster failure for the reason', () => {
    const lastNodeError = named('ReplyError', 'WRONGPASS invalid username-password pair');
    const failed = Object.assign(named('ClusterAllFailedError', 'Failed to refresh slots cache.'), {
      lastNodeError,
    });
    expect(translateError(failed)?.name).toBe('RedisAuthenticationException');
  });

  it('keeps the command of an error that rejected it twice', () => {
    const error = named('ReplyError', 'ERR x');
    const failure = { connection: 'c', address, timeoutMs: 5, operation: 'get', key: 'a' };
    recordFailure(error, failure);
    recordFailure(error, { ...failure });
    expect(translateError(error)).toMatchObject({ operation: 'get', key: 'a' });
  });

  it('names no command when one error rejected several', () => {
    const error = named('ReplyError', 'ERR x');
    recordFailure(error, { connection: 'c', address, timeoutMs: 5, operation: 'get', key: 'a' });
    recordFailure(error, { connection: 'c', address, timeoutMs: 5, operation: 'set', key: 'b' });
    expect(translateError(error)).toMatchObject({ operation: undefined, key: undefined });
  });

  it('keeps programming errors as they are, even from our client', () => {
    const error = new TypeError('undefined is not a function');
    recordFailure(error, { connection: 'c', address, timeoutMs: 5 });
    expect(translateError(error)).toBeUndefined();
  });
});
