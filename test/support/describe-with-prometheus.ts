import { describe } from '@jest/globals';
import { hasRealRedis } from './real-redis.js';
import { PROMETHEUS, REAL_REDIS } from './remedies.cjs';

const hasPrometheus = process.env[PROMETHEUS.variable] === 'yes';

/** A suite that runs prometheus or promtool. Without them it is skipped, and the run says so at its end. */
export function describeWithPrometheus(name: string, suite: () => void): void {
  const choose = hasPrometheus ? describe : describe.skip;
  choose(`${name} ${PROMETHEUS.mark}`, suite);
}

/** A suite that also needs a Redis that can be killed, frozen and limited. */
export function describeWithPrometheusAndRedis(name: string, suite: () => void): void {
  const choose = hasPrometheus && hasRealRedis ? describe : describe.skip;
  choose(`${name} ${PROMETHEUS.mark} ${REAL_REDIS.mark}`, suite);
}
