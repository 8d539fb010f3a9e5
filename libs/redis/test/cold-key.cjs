/**
 * Prints how long many processes with many callers wait for a key that is not cached yet, as a table:
 * `node libs/redis/test/cold-key.cjs`.
 */
require('reflect-metadata');
require('../../../test/support/typescript-hook.cjs');
const { askForColdKey, LOAD_TIMEOUT_MS, TIMEOUT_MS } = require('./integration/support/cold-key.ts');

const PROCESSES = 8;
const CALLERS = 50;
const LEASE_MS = LOAD_TIMEOUT_MS + TIMEOUT_MS;

async function run() {
  const rows = [];
  for (const kill of [false, true]) {
    for (const loadMs of [20, 100, 500]) {
      const options = { processes: PROCESSES, callers: CALLERS, loadMs, kill };
      const { loads, answered, tookMs } = await askForColdKey(options);
      rows.push({
        'the loader is killed': kill,
        loadMs,
        loads,
        answered,
        tookMs: Math.round(tookMs),
      });
    }
  }
  console.log(
    `${PROCESSES} processes x ${CALLERS} callers, lease ${LEASE_MS} ms, Node ${process.version}`,
  );
  console.table(rows);
}

run();
