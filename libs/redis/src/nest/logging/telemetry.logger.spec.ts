import { AsyncLocalStorage } from 'node:async_hooks';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { Logger } from '@nestjs/common';
import { RedisLoadCycleException } from '../../errors/redis-load-cycle.exception.js';
import { RedisTimeoutException } from '../../errors/redis-timeout.exception.js';
import { recordFailure } from '../../connection/driver/failures/command-failures.js';
import type { CommandEvent } from '../../telemetry/command.events.js';
import { Telemetry } from '../../telemetry/telemetry.js';
import { resolveLogging, type RedisLoggingOptions } from './log-policy.js';
import { TelemetryLogger } from './telemetry.logger.js';

/** Of the connection and the cache that lines are about. */
const where = { connection: 'default', cache: 'c' } as const;
const KEY = 'cache:app:env:post:secret-id';
const late = new RedisTimeoutException({ operation: 'mget', key: KEY, timeoutMs: 250 });

function listen(options?: RedisLoggingOptions) {
  const telemetry = new Telemetry();
  const lines = { log: jest.fn(), warn: jest.fn(), error: jest.fn(), debug: jest.fn() };
  const logger = new TelemetryLogger(telemetry, lines as unknown as Logger);
  logger.follow('default', { ...resolveLogging(options), space: 'app:env' });
  return { telemetry, logger, ...lines };
}

function command(facts: Partial<CommandEvent> = {}): CommandEvent {
  const within = (work: () => void) => {
    work();
  };
  return {
    type: 'command',
    connection: 'default',
    command: 'get',
    durationMs: 1.23456,
    isBlocking: false,
    key: 'user:app:env:secret-id',
    within,
    ...facts,
  };
}

const failed = (message: string) =>
  command({
    failure: { error: Object.assign(new Error(message), { name: 'ReplyError' }), kind: 'command' },
  });

beforeEach(() => {
  jest.useFakeTimers();
});
afterEach(() => {
  jest.useRealTimers();
});

describe('The log of commands', () => {
  it('is silent about what succeeds in time', () => {
    const { telemetry, debug, warn, error } = listen();
    telemetry.announce(command());
    for (const written of [debug, warn, error]) expect(written).not.toHaveBeenCalled();
  });

  it('writes successes at debug if they are wanted', () => {
    const { telemetry, debug } = listen({ successes: true });
    telemetry.announce(command());
    expect(debug).toHaveBeenCalledWith({
      msg: 'Redis command',
      connection: 'default',
      operation: 'get',
      key: 'user:app:env:*',
      success: true,
      duration_ms: 1.235,
    });
  });

  it('warns of a slow one, but not of one that was asked to wait', () => {
    const { telemetry, warn } = listen({ slow: '50ms' });
    telemetry.announce(command({ durationMs: 50 }));
    telemetry.announce(command({ durationMs: 9_000, isBlocking: true }));
    expect(warn).not.toHaveBeenCalled();
    telemetry.announce(command({ durationMs: 50.1 }));
    expect(warn).toHaveBeenCalledWith(
      expect.objectContaining({ success: true, duration_ms: 50.1, threshold_ms: 50 }),
    );
  });

  it("never warns of slowness with slow: 'never'", () => {
    const { telemetry, warn } = listen({ slow: 'never' });
    telemetry.announce(command({ durationMs: 60_000 }));
    expect(warn).not.toHaveBeenCalled();
  });

  it('writes a failure as an error, with the code of its exception and a stack', () => {
    const { telemetry, error } = listen();
    telemetry.announce(failed('WRONGTYPE Operation against a key'));
    expect(error).toHaveBeenCalledWith(
      expect.objectContaining({
        operation: 'get',
        success: false,
        code: 'REDIS_COMMAND',
        error: expect.stringContaining('WRONGTYPE'),
        stack: expect.stringContaining('RedisCommandException'),
      }),
    );
  });

  it("repeats neither Redis's words about an ACL user nor the id in the key", () => {
    const { telemetry, error } = listen();
    telemetry.announce(
      failed("NOPERM User planted-name has no permissions to run the 'get' command"),
    );
    telemetry.announce(failed('WRONGTYPE Operation against a key'));
    jest.advanceTimersByTime(1_000);
    expect(error).toHaveBeenCalledTimes(2);
    expect(JSON.stringify(error.mock.calls)).not.toMatch(/planted-name|secret-id/);
  });

  it('writes the line in the context of the caller', () => {
    const requests = new AsyncLocalStorage<string>();
    const { telemetry, error } = listen();
    const seen: unknown[] = [];
    error.mockImplementation(() => seen.push(requests.getStore()));
    const within = (work: () => void) => {
      requests.run('request 7', work);
    };
    telemetry.announce({ ...failed('ERR'), within });
    telemetry.announce({ ...failed('ERR'), within });
    jest.advanceTimersByTime(1_000);
    expect(seen).toEqual(['request 7', 'request 7']);
  });

  it('holds a flood back, and says at its end how much', () => {
    const { telemetry, error } = listen();
    for (let i = 0; i < 100; i++) telemetry.announce(failed('ERR'));
    expect(error).toHaveBeenCalledTimes(1);
    jest.advanceTimersByTime(1_000);
    expect(error).toHaveBeenCalledTimes(2);
    expect(error).toHaveBeenLastCalledWith(expect.objectContaining({ held_back: 98 }));
    jest.advanceTimersByTime(60_000);
    expect(error).toHaveBeenCalledTimes(2);
  });

  it('writes what it holds back when the application ends', () => {
    const { telemetry, logger, error } = listen();
    for (let i = 0; i < 3; i++) telemetry.announce(failed('ERR'));
    logger.flush();
    expect(error).toHaveBeenLastCalledWith(expect.objectContaining({ held_back: 1 }));
    expect(jest.getTimerCount()).toBe(0);
  });
});

describe('The keys in the log', () => {
  it.each<[NonNullable<RedisLoggingOptions['keys']>, string, string | undefined]>([
    ['pattern', 'user:app:env:7', 'user:app:env:*'],
    ['pattern', '{user:app:env:7}:lease', 'user:app:env:*'],
    ['pattern', 'version:app:env:{user:app:env:7}', 'version:app:env:*'],
    ['pattern', 'cache:app:env:post:5', 'cache:app:env:*'],
    ['pattern', 'sessions:secret', 'sessions:*'],
    ['pattern', 'a:secret:c', 'a:*'],
    ['pattern', 'reset:ada@example.com:secret:v1', 'reset:*'],
    ['pattern', 'user:other:env:7', 'user:*'],
    ['pattern', 'user:app:env', 'user:*'],
    ['pattern', 'secret', '*'],
    ['pattern', '', '*'],
    ['pattern', 'x'.repeat(1_000_000), '*'],
    ['full', 'user:app:env:7', 'user:app:env:7'],
    ['full', 'x'.repeat(1_000_000), `${'x'.repeat(200)}...`],
    ['none', 'user:app:env:7', undefined],
  ])('%s, case %#', (keys, key, written) => {
    const { telemetry, debug } = listen({ keys, successes: true });
    telemetry.announce(command({ key }));
    const [[line]] = debug.mock.calls as [[{ key?: string }]];
    expect(line.key).toBe(written);
  });
});

describe('The words about a failure', () => {
  const loaderFails = (error: Error, options?: RedisLoggingOptions) => {
    const { telemetry, warn } = listen(options);
    const facts = { ...where, key: KEY, durationMs: 1, outcome: 'failed', error } as const;
    telemetry.announce({ type: 'cache.load', ...facts });
    const [[line]] = warn.mock.calls as [[{ error: string; stack: string }]];
    return line;
  };
  const lateFor = (key: string) =>
    new RedisTimeoutException({ operation: 'get', key, timeoutMs: 250 });

  it.each(['a$&x:secret:z', 'e', '', KEY])('hide the key %j and nothing else', (key) => {
    const { error, stack } = loaderFails(lateFor(key));
    expect(error).toMatch(/^Redis did not answer get on "[a-z$&:*]*\*" within 250 ms\. It may be/);
    expect(error + stack).not.toMatch(/secret/);
  });

  it("name no key at all with keys: 'none'", () => {
    const { error } = loaderFails(lateFor(KEY), { keys: 'none' });
    expect(error).toContain('get on "*" within');
  });

  it('hide each key of a load that asks for itself', () => {
    const through = 'cache:app:production:other-secret';
    const { error, stack } = loaderFails(new RedisLoadCycleException([KEY, through, KEY]));
    expect(error).toMatch(/^The loader of "[a-z:*]+" asks for its own value \("[a-z:*]+" -> "/);
    expect(error + stack).not.toMatch(/secret/);
  });

  it('are ours if the driver failed a loader', () => {
    const error = Object.assign(new Error('ERR unknown thing hunter2'), { name: 'ReplyError' });
    const facts = { connection: 'default', address: { host: 'h', port: 1 }, timeoutMs: 1 };
    recordFailure(error, { ...facts, operation: 'other', key: KEY });
    const line = loaderFails(error);
    expect(line).toMatchObject({
      code: 'REDIS_COMMAND',
      error: expect.stringContaining('with ERR'),
    });
  });

  it.each([
    ["ERR unknown command 'hunter2', with", "ERR unknown command '...', with"],
    ['ERR unknown command `hunter2`, with', "ERR unknown command '...', with"], // Redis 6
    ['ERR no such thing "hunter2"', "ERR no such thing '...'"],
    ['ERR unknown thing: hunter2', "ERR unknown thing: '...'"],
    ['ERR invalid pair 4111.25,48', "ERR invalid pair '...'"],
  ])('leave out the quotation of %s', (said, reply) => {
    const { telemetry, error: written } = listen();
    const error = Object.assign(new Error(said), { name: 'ReplyError' });
    telemetry.announce(command({ command: 'other', failure: { error, kind: 'command' } }));
    expect(written).toHaveBeenCalledWith(expect.objectContaining({ reply }));
    expect(JSON.stringify(written.mock.calls)).not.toMatch(/hunter2|4111/);
  });

  it.each(['eval', 'evalsha', 'fcall', 'eval_ro'])('repeat nothing that %s answered', (name) => {
    const { telemetry, error: written } = listen();
    const reply = Object.assign(new Error('LIMIT of card 4111'), { name: 'ReplyError' });
    telemetry.announce(command({ command: name, failure: { error: reply, kind: 'command' } }));
    expect(written).toHaveBeenCalledWith(expect.objectContaining({ reply: 'LIMIT' }));
    expect(JSON.stringify(written.mock.calls)).not.toContain('4111');
  });
});

describe('A logger that throws', () => {
  it('ends neither the process nor the closing of the application', () => {
    const warn = jest.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
    const { telemetry, logger, error } = listen();
    error.mockImplementation(() => {
      throw new Error('the disk is full');
    });
    for (let i = 0; i < 3; i++) telemetry.announce(failed('ERR'));
    jest.advanceTimersByTime(1_000);
    for (let i = 0; i < 3; i++) telemetry.announce(failed('ERR'));
    logger.flush();
    expect(error.mock.calls.length).toBeGreaterThan(2);
    expect(warn).toHaveBeenCalledWith(
      expect.stringContaining('the disk is full'),
      expect.anything(),
    );
    warn.mockRestore();
  });
});

describe('The log of caches', () => {
  it('says when Redis is left alone, and when no more', () => {
    const { telemetry, warn, log } = listen();
    telemetry.announce({ type: 'cache.breaker', ...where, state: 'open', error: late });
    telemetry.announce({ type: 'cache.breaker', ...where, state: 'closed' });
    const error = expect.stringContaining('within 250 ms');
    expect(warn).toHaveBeenCalledWith(expect.objectContaining({ ...where, error }));
    expect(log).toHaveBeenCalledTimes(1);
  });

  it('holds back a tracking connection that comes and goes', () => {
    const { telemetry, log, warn } = listen();
    const link = { type: 'near.link', connection: 'default', node: '' } as const;
    for (let i = 0; i < 50; i++) {
      telemetry.announce({ ...link, state: 'armed' });
      telemetry.announce({ ...link, state: 'lost', reason: 'The connection was lost.' });
    }
    expect([log.mock.calls.length, warn.mock.calls.length]).toEqual([1, 1]);
    jest.advanceTimersByTime(1_000);
    const line = { connection: 'default', reason: 'The connection was lost.', held_back: 48 };
    expect(warn).toHaveBeenLastCalledWith({ msg: expect.any(String), ...line });
  });

  it('holds back failures of a kind, each kind for itself', () => {
    const { telemetry, warn } = listen();
    const failure = { type: 'cache.failure', ...where, key: KEY, error: late } as const;
    for (let i = 0; i < 100; i++) telemetry.announce({ ...failure, operation: 'read' });
    telemetry.announce({ ...failure, operation: 'fill' });
    expect(warn).toHaveBeenCalledTimes(2);
    jest.advanceTimersByTime(1_000);
    expect(warn).toHaveBeenLastCalledWith(expect.objectContaining({ held_back: 98 }));
  });

  it('names no ids', () => {
    const { telemetry, warn } = listen();
    const facts = { ...where, key: KEY, durationMs: 1 } as const;
    telemetry.announce({ type: 'cache.corrupt', ...where, key: KEY });
    telemetry.announce({ type: 'cache.load', ...facts, outcome: 'failed', error: late });
    telemetry.announce({ type: 'cache.load', ...facts, outcome: 'failed', error: 'text' });
    telemetry.announce({ type: 'cache.load', ...facts, outcome: 'filled' });
    telemetry.announce({ type: 'cache.failure', ...facts, operation: 'read', error: late });
    telemetry.announce({ type: 'cache.breaker', ...where, state: 'open', error: late });
    jest.advanceTimersByTime(1_000);
    expect(warn).toHaveBeenCalledTimes(5);
    expect(JSON.stringify(warn.mock.calls)).not.toContain('secret-id');
    expect(warn).toHaveBeenCalledWith(expect.objectContaining({ key: 'cache:app:env:*' }));
  });

  it('calls an error what was not invalidated, and nothing else', () => {
    const { telemetry, error: written } = listen();
    const facts = { type: 'cache.invalidation', ...where, count: 2, pending: 0 } as const;
    telemetry.announce({ ...facts, by: 'tag', failed: 0 });
    expect(written).not.toHaveBeenCalled();
    telemetry.announce({ ...facts, by: 'tag', failed: 1 });
    telemetry.announce({ ...facts, by: 'outbox', failed: 2 });
    expect(written).toHaveBeenCalledTimes(2);
  });

  it('writes everything at debug if successes are wanted', () => {
    const { telemetry, debug } = listen({ successes: true });
    const facts = { ...where, key: KEY } as const;
    telemetry.announce({ type: 'cache.request', ...facts, result: 'hit' });
    telemetry.announce({ type: 'cache.load', ...facts, outcome: 'filled', durationMs: 5 });
    telemetry.announce({ type: 'cache.lease-wait', ...facts, durationMs: 5 });
    const invalidated = { by: 'tag', count: 2, failed: 0, pending: 0 } as const;
    telemetry.announce({ type: 'cache.invalidation', ...where, ...invalidated });
    const work = { connection: 'default', durationMs: 1 } as const;
    telemetry.announce({ type: 'batch', ...work, operation: 'getAll' });
    telemetry.announce({
      type: 'repository',
      ...work,
      kind: 'user',
      operation: 'save',
      error: late,
    });
    telemetry.announce({ type: 'pool.acquire', ...work, inUse: 1 });
    const released = { connection: 'default', inUse: 0, reused: true } as const;
    telemetry.announce({ type: 'pool.release', ...released });
    const written = debug.mock.calls.map(([line]) => line as { operation: string });
    expect(written.map(({ operation }) => operation)).toEqual([
      'cache.request',
      'cache.load',
      'cache.lease-wait',
      'cache.invalidate',
      'batch.getAll',
      'user.save',
      'pool.acquire',
      'pool.release',
    ]);
    expect(JSON.stringify(written)).not.toContain('secret-id');
  });
});

describe('The log of connections', () => {
  it('names a Unix socket by its path', () => {
    const { telemetry, warn } = listen();
    const error = Object.assign(new Error('connect ENOENT'), { code: 'ENOENT' });
    const endpoint = '/run/a:b,c.sock';
    telemetry.announce({ type: 'connection.down', connection: 'c', endpoint, error });
    const [line] = warn.mock.calls[0] ?? [];
    expect(line).toMatchObject({ endpoint, error: expect.stringContaining(`${endpoint} (`) });
  });

  it('says in our words why a connection is down: Redis names the ACL user', () => {
    const { telemetry, warn } = listen();
    const error = Object.assign(new Error("NOPERM User planted-name can't run 'info'"), {
      name: 'ReplyError',
    });
    telemetry.announce({ type: 'connection.down', connection: 'c', endpoint: 'h:1', error });
    telemetry.announce({ type: 'connection.down', connection: 'c', endpoint: 'h:1' });
    expect(warn).toHaveBeenCalledTimes(2);
    expect(JSON.stringify(warn.mock.calls)).not.toContain('planted-name');
  });

  it('calls it an error when a pool has nothing to lend', () => {
    const { telemetry, error } = listen();
    const facts = { connection: 'c', durationMs: 5_000, inUse: 50 } as const;
    telemetry.announce({ type: 'pool.acquire', ...facts, error: new Error('all in use') });
    expect(error).toHaveBeenCalledWith(
      expect.objectContaining({ operation: 'pool.acquire', success: false, in_use: 50 }),
    );
  });
});

describe('The options of the log', () => {
  it.each([
    [{ keys: 'all' }, /logging\.keys/],
    [{ slow: 50 }, /logging\.slow/],
    [{ successes: 'yes' }, /logging\.successes/],
    [{ level: 'debug' }, /logging\.level/],
    ['loud', /logging/],
  ])('refuses %j', (options, problem) => {
    expect(() => resolveLogging(options as RedisLoggingOptions)).toThrow(problem);
  });
});
