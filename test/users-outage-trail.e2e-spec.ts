/**
 * Shows what an operator sees of a Redis that is gone, in the log, the metrics, the health and the alerts; on
 * a clock on which the minutes of `for` are seconds (see support/prometheus.ts).
 */
import { afterAll, beforeAll, expect, it } from '@jest/globals';

import { describeWithPrometheusAndRedis } from './support/describe-with-prometheus.js';
import { startWatchedApp, type WatchedApp } from './support/watched-app.js';
import { eventually } from './support/time.js';

const DOWN = 'Redis connection down; reconnecting in the background';
const RESTORED = 'Redis connection restored';
const COMMAND_FAILED = 'A Redis command failed';

describeWithPrometheusAndRedis('the trail of a Redis that is gone for a while', () => {
  let watched: WatchedApp;

  beforeAll(async () => {
    watched = await startWatchedApp();
    await eventually(async () => {
      expect(await watched.prometheus.criticalAlerts()).toEqual([]);
      expect(await watched.connectionUp()).toBe(1);
    });
    watched.forgetLog();
  });

  afterAll(() => watched.close());

  it('says that there is no connection if it is killed, and ends when it is back', async () => {
    await watched.server.kill();

    await eventually(async () => {
      expect(await watched.health()).toBe(503);
      expect(await watched.connectionUp()).toBe(0);
      expect(await watched.failures()).toContain('connection');
      expect(await watched.prometheus.criticalAlerts()).toEqual([
        'ApiErrorRatioHigh',
        'RedisDown',
        'RedisErrorRatioHigh',
      ]);
    });
    expect(watched.logged(DOWN)).toEqual([expect.objectContaining({ connection: 'default' })]);
    expect(watched.logged(RESTORED)).toEqual([]);
    expect(watched.logged(COMMAND_FAILED)).toContainEqual(
      expect.objectContaining({ code: 'REDIS_CONNECTION', stack: expect.any(String) }),
    );
    expect(watched.heldBack(COMMAND_FAILED)).toBeGreaterThan(0);

    await watched.server.restart();

    await eventually(async () => {
      expect(await watched.health()).toBe(200);
      expect(await watched.connectionUp()).toBe(1);
      expect(await watched.failures()).not.toContain('connection');
      expect(await watched.prometheus.criticalAlerts()).toEqual([]);
    });
    expect(watched.logged(DOWN)).toHaveLength(1);
    expect(watched.logged(RESTORED)).toHaveLength(1);
  });
});
