import { afterEach, describe, expect, it } from '@jest/globals';

import { appConfig } from './app.config.js';

describe('appConfig', () => {
  const before = process.env;

  afterEach(() => {
    process.env = before;
  });

  it('has a default for everything', () => {
    process.env = {};

    expect(appConfig()).toEqual({
      host: '127.0.0.1',
      port: 3000,
      logLevel: 'info',
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

  it('reports everything that is wrong', () => {
    process.env = { HTTP_MAX_IN_FLIGHT: 'many', HTTP_MAX_QUEUE_TIME: 'soon', PORT: 'x' };

    expect(() => appConfig()).toThrow(/has 3 problems/);
  });
});
