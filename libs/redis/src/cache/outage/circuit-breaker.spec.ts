import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { RedisCommandException } from '../../errors/redis-command.exception.js';
import { RedisConnectionException } from '../../errors/redis-connection.exception.js';
import { RedisTimeoutException } from '../../errors/redis-timeout.exception.js';
import type { RedisException } from '../../errors/redis.exception.js';
import { CircuitBreaker } from './circuit-breaker.js';

const late = new RedisTimeoutException({ operation: 'x', timeoutMs: 1 });
const gone = new RedisConnectionException({ host: 'h', port: 1, originalError: new Error('gone') });
const refused = new RedisCommandException({ reply: 'WRONGTYPE', operation: 'x' });

describe('CircuitBreaker', () => {
  let changes: [string, RedisException | undefined][];
  let tooFar: number[];
  let breaker: CircuitBreaker;
  beforeEach(() => {
    jest.useFakeTimers();
    changes = [];
    tooFar = [];
    breaker = new CircuitBreaker({
      threshold: 3,
      cooldownMs: 1_000,
      onChange: (state, error) => changes.push([state, error]),
      onTooFar: (roundTripMs) => tooFar.push(roundTripMs),
    });
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  const fail = (...errors: RedisException[]) => {
    for (const error of errors) breaker.failed(error);
  };

  it('says when all replies come too late for a while, and how soon the quickest came', () => {
    for (const tookMs of [400, 300, 500]) {
      expect(tooFar).toEqual([]);
      breaker.late(tookMs, undefined);
      jest.advanceTimersByTime(1_100);
    }
    expect(tooFar).toEqual([300]);
  });

  it('does not say so because of what was frozen and answers all at once, or answers in time', () => {
    for (let i = 0; i < 10; i++) breaker.late(3_000, undefined);
    jest.advanceTimersByTime(3_000);
    breaker.succeeded();
    breaker.late(3_000, undefined);
    for (let i = 0; i < 10; i++) breaker.late(3_000, gone);
    jest.advanceTimersByTime(3_000);
    breaker.late(3_000, undefined);
    expect(tooFar).toEqual([]);
  });

  it('opens after so many timeouts and connection failures in a row', () => {
    fail(late, gone);
    expect(breaker.refusal()).toBeUndefined();
    fail(late);
    expect(breaker.refusal()).toBe(late);
    expect(changes).toEqual([['open', late]]);
  });

  it('does not open where some succeed in between, or are refused: then the server answers', () => {
    fail(late, late);
    breaker.succeeded();
    fail(late, late, refused, late, gone);
    expect(breaker.refusal()).toBeUndefined();
    expect(changes).toEqual([]);
  });

  it('lets one try after a while, and is closed by its success', () => {
    fail(late, late, gone);
    jest.advanceTimersByTime(999);
    expect(breaker.refusal()).toBe(gone);
    jest.advanceTimersByTime(1);
    expect([breaker.refusal(), breaker.refusal(), breaker.refusal()]).toEqual([
      undefined,
      gone,
      gone,
    ]);
    breaker.succeeded();
    expect(breaker.refusal()).toBeUndefined();
    fail(late, late);
    expect(breaker.refusal()).toBeUndefined();
    expect(changes.map(([state]) => state)).toEqual(['open', 'closed']);
  });

  it('stays open for as long again when that one fails, and says nothing new', () => {
    fail(late, late, gone);
    jest.advanceTimersByTime(1_000);
    breaker.refusal();
    fail(late);
    jest.advanceTimersByTime(999);
    expect(breaker.refusal()).toBe(late);
    jest.advanceTimersByTime(1);
    expect(breaker.refusal()).toBeUndefined();
    fail(refused); // it answers
    expect(breaker.refusal()).toBeUndefined();
    expect(changes.map(([state]) => state)).toEqual(['open', 'closed']);
  });

  it('says that it is open while it refuses, and no longer than that', () => {
    expect(breaker.isOpen).toBe(false);
    fail(late, late, gone);
    expect(breaker.isOpen).toBe(true);
    jest.advanceTimersByTime(1_000);
    expect(breaker.isOpen).toBe(false); // the next caller may try, and perhaps there is none
    breaker.refusal();
    expect(breaker.isOpen).toBe(true);
    breaker.succeeded();
    expect(breaker.isOpen).toBe(false);
  });
});
