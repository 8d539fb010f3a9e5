/**
 * Part of Jest's global set-up: checks once, for all workers, whether Prometheus can run.
 *
 * Sets REAL_PROMETHEUS to `yes` or `no` (see describe-with-prometheus.ts). With REQUIRE_REAL_REDIS=1, as in CI, a
 * machine without it fails the run here.
 */
const { spawnSync } = require('node:child_process');
const { PROMETHEUS } = require('./remedies.cjs');

module.exports = function findPrometheus() {
  const isThere = ['prometheus', 'promtool'].every(
    (program) => spawnSync(program, ['--version'], { stdio: 'ignore' }).status === 0,
  );
  process.env[PROMETHEUS.variable] = isThere ? 'yes' : 'no';
  if (isThere || process.env.REQUIRE_REAL_REDIS !== '1') return;
  throw new Error(`REQUIRE_REAL_REDIS=1, but there is no Prometheus.\n${PROMETHEUS.remedy}`);
};
