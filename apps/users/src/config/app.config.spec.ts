import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';

import { appConfig } from './app.config.js';

describe('appConfig', () => {
  const before = process.env;
  const { isTTY } = process.stdout;

  beforeEach(() => {
    process.stdout.isTTY = false;
  });

  afterEach(() => {
    process.env = before;
    process.stdout.isTTY = isTTY;
  });

  it('has a default for everything', () => {
    process.env = {};

    expect(appConfig()).toEqual({
      host: '127.0.0.1',
      port: 3000,
      logLevel: 'info',
      logFormat: 'json',
      requestTimeoutMs: 10_000,
      maxQueueTimeMs: 10,
      maxInFlight: 1_000,
      usersStore: 'cached',
    });
  });

  it.each([
    ['250', 250],
    ['250ms', 250],
    ['2s', 2_000],
    ['1m', 60_000],
  ])('takes %s for a time', (time, requestTimeoutMs) => {
    process.env = { HTTP_REQUEST_TIMEOUT: time };

    expect(appConfig()).toMatchObject({ requestTimeoutMs });
  });

  it.each([
    ['pretty', 'a terminal', {}],
    ['pretty', 'a terminal', { LOG_FORMAT: 'auto', NODE_ENV: 'development' }],
    ['json', 'a terminal', { NODE_ENV: 'production' }],
    ['json', 'a terminal', { LOG_FORMAT: 'json' }],
    ['json', 'a pipe', {}],
    ['pretty', 'a pipe', { LOG_FORMAT: 'pretty', NODE_ENV: 'production' }],
  ])('writes %s lines to %s with %j', (logFormat, out, env) => {
    process.stdout.isTTY = out === 'a terminal';
    process.env = env;

    expect(appConfig()).toMatchObject({ logFormat });
  });

  it('has a near copy and routes for operators only if they are configured', () => {
    const operatorToken = 'x'.repeat(32);
    process.env = {
      CACHE_NEAR_BYTES: '16777216',
      CACHE_NEAR_STALENESS: '2s',
      OPERATOR_TOKEN: operatorToken,
    };

    expect(appConfig()).toMatchObject({
      near: { maxBytes: 16_777_216, staleness: '2000ms' },
      operatorToken,
    });
  });

  it('does not print a token that is too short', () => {
    process.env = { OPERATOR_TOKEN: 'hunter2' };

    expect(() => appConfig()).toThrow(/OPERATOR_TOKEN/);
    expect(() => appConfig()).not.toThrow(/hunter2/);
  });

  it('reports everything that is wrong', () => {
    process.env = { HTTP_MAX_IN_FLIGHT: 'many', HTTP_MAX_QUEUE_TIME: 'soon', PORT: 'x' };

    expect(() => appConfig()).toThrow(/has 3 problems/);
  });
});
