/**
 * Shows what an operator sees of a Redis that is frozen, in the log, the metrics, the health and the alerts; on
 * a clock on which the minutes of `for` are seconds (see support/prometheus.ts).
 */
import { afterAll, beforeAll, expect, it } from '@jest/globals';

import { describeWithPrometheusAndRedis } from './support/describe-with-prometheus.js';
import { startWatchedApp, type WatchedApp } from './support/watched-app.js';
import { eventually } from './support/time.js';

describeWithPrometheusAndRedis('the trail of a Redis that is frozen', () => {
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

  it('says that commands time out on a connection that is up, and ends when it goes on', async () => {
    watched.server.freeze();

    await eventually(async () => {
      expect(await watched.health()).toBe(503);
      expect(await watched.failures()).toEqual(['timeout']);
      expect(await watched.prometheus.criticalAlerts()).toEqual([
        'ApiErrorRatioHigh',
        'RedisErrorRatioHigh',
      ]);
    });
    expect(await watched.connectionUp()).toBe(1);
    expect(watched.logged('A Redis command failed')).toContainEqual(
      expect.objectContaining({ code: 'REDIS_TIMEOUT', stack: expect.any(String) }),
    );
    expect(watched.heldBack('A Redis command failed')).toBeGreaterThan(0);

    watched.server.thaw();

    await eventually(async () => {
      expect(await watched.health()).toBe(200);
      expect(await watched.failures()).toEqual([]);
      expect(await watched.prometheus.criticalAlerts()).toEqual([]);
    });
    // It was connected all the time, and says so.
    expect(watched.logged('Redis connection down; reconnecting in the background')).toEqual([]);
  });
});
