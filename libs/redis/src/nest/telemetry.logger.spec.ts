import { describe, expect, it, jest } from '@jest/globals';
import type { Logger } from '@nestjs/common';
import { RedisTimeoutException } from '../errors/redis-timeout.exception.js';
import { Telemetry } from '../telemetry/telemetry.js';
import { logTelemetry } from './telemetry.logger.js';

const error = new RedisTimeoutException({ operation: 'mget', timeoutMs: 250 });

function listen() {
  const telemetry = new Telemetry();
  const logger = { log: jest.fn(), warn: jest.fn(), error: jest.fn() };
  logTelemetry(telemetry, logger as unknown as Logger);
  return { telemetry, ...logger };
}

describe('The log of telemetry', () => {
  it('says when Redis is left alone, and when no more', () => {
    const { telemetry, warn, log } = listen();
    telemetry.announce({ type: 'cache.breaker', cache: 'c', state: 'open', error });
    telemetry.announce({ type: 'cache.breaker', cache: 'c', state: 'closed' });
    expect(warn).toHaveBeenCalledWith(
      expect.objectContaining({ cache: 'c', error: error.message }),
    );
    expect(log).toHaveBeenCalledTimes(1);
  });

  it('writes what repeats once in a while, with the number of those held back', () => {
    jest.useFakeTimers();
    const { telemetry, warn } = listen();
    const failure = {
      type: 'cache.failure',
      cache: 'c',
      key: 'k',
      operation: 'read',
      error,
    } as const;
    for (let i = 0; i < 100; i++) telemetry.announce(failure);
    telemetry.announce({ ...failure, operation: 'fill' });
    expect(warn).toHaveBeenCalledTimes(2);
    jest.advanceTimersByTime(1_500);
    telemetry.announce(failure);
    expect(warn).toHaveBeenLastCalledWith(expect.objectContaining({ heldBack: 99 }));
    jest.useRealTimers();
  });

  it('names no ids', () => {
    const { telemetry, warn } = listen();
    const key = 'cache:app:env:post:secret-id';
    telemetry.announce({ type: 'cache.corrupt', cache: 'c', key });
    const facts = { cache: 'c', key, durationMs: 1 } as const;
    telemetry.announce({ type: 'cache.load', ...facts, outcome: 'failed', error: new Error('db') });
    telemetry.announce({ type: 'cache.load', ...facts, outcome: 'failed', error: 'text' });
    telemetry.announce({ type: 'cache.load', ...facts, outcome: 'filled' });
    expect(warn).toHaveBeenCalledTimes(2);
    expect(JSON.stringify(warn.mock.calls)).not.toContain('secret-id');
    expect(warn).toHaveBeenCalledWith(expect.objectContaining({ key: 'cache:app:env:post:*' }));
  });

  it('calls an error what was not invalidated, and nothing else', () => {
    const { telemetry, error: written } = listen();
    const facts = { type: 'cache.invalidation', cache: 'c', count: 2, pending: 0 } as const;
    telemetry.announce({ ...facts, by: 'tag', failed: 0 });
    expect(written).not.toHaveBeenCalled();
    telemetry.announce({ ...facts, by: 'tag', failed: 1 });
    telemetry.announce({ ...facts, by: 'outbox', failed: 2 });
    expect(written).toHaveBeenCalledTimes(2);
  });
});
