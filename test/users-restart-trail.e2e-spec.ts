/**
 * Shows what an operator sees of a Redis that is restarted, in the log, the metrics, the health and the alerts;
 * on a clock on which the minutes of `for` are seconds (see support/prometheus.ts).
 */
import { afterAll, beforeAll, expect, it } from '@jest/globals';

import { describeWithPrometheusAndRedis } from './support/describe-with-prometheus.js';
import { eventually } from './support/time.js';
import { startWatchedApp, type WatchedApp } from './support/watched-app.js';

/** Slow enough for a restart to be short. */
const SPEED = 20;

/** Twice as long as an alert needs to fire for a connection that is down. */
const ALERT_S = (2 * 60) / SPEED;

/** A restart that takes longer, on a busy machine, is an outage by this clock. */
const BRIEF_MS = 700;

const DOWN = 'Redis connection down; reconnecting in the background';
const RESTORED = 'Redis connection restored';

describeWithPrometheusAndRedis('the trail of a Redis that is restarted', () => {
  let watched: WatchedApp;

  beforeAll(async () => {
    watched = await startWatchedApp({ speed: SPEED, commandTimeoutMs: 2_000 });
  });

  afterAll(() => watched.close());

  /** @returns how long there was no connection */
  async function restart(): Promise<number> {
    await eventually(async () => {
      expect(await watched.prometheus.criticalAlerts()).toEqual([]);
      expect(await watched.connectionUp()).toBe(1);
    });
    watched.forgetLog();
    await watched.server.restart();
    await eventually(async () => {
      expect(watched.logged(RESTORED)).toHaveLength(1);
      expect(await watched.health()).toBe(200);
      expect(await watched.connectionUp()).toBe(1);
    });
    const [down, restored] = [DOWN, RESTORED].map(
      (message) => watched.logged(message)[0]?.['time'],
    );
    return Number(restored) - Number(down);
  }

  it('is two lines of the log, and no critical alert', async () => {
    for (let attempt = 0; attempt < 4 && (await restart()) > BRIEF_MS; attempt++);
    const restartedAt = Date.now() / 1_000;

    const lookedAt = `timestamp(redis_connection_up) > ${restartedAt + ALERT_S}`;
    await eventually(async () => {
      expect(await watched.prometheus.query(lookedAt)).toHaveLength(1);
    });
    expect(await watched.prometheus.criticalAlerts()).toEqual([]);
    expect(watched.logged(DOWN)).toHaveLength(1);
    expect(watched.logged(RESTORED)).toHaveLength(1);
  }, 120_000);
});
