/**
 * The long version of the cache's history test: `npm run history -- --reads 1000000 --seed 1`.
 *
 * --reads N    ends after so many reads (default 1,000,000)
 * --seed N     what is decided by chance (default: the time)
 * --workers N  threads, each with an event loop and connections of its own (default 3)
 * --cluster    on a cluster of three nodes, where entries and tags live in different slots
 * --migrate    the same, and slots that hold something are moved between the nodes meanwhile
 *
 * Exits 1 if a value was older than it may be, or anything else was seen that is promised not to happen.
 */
require('reflect-metadata');
require('../../../test/support/typescript-hook.cjs');
const { parseArgs } = require('node:util');
const { runHistory } = require('./integration/support/history/run-history.ts');

const { values } = parseArgs({
  options: {
    reads: { type: 'string', default: '1000000' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    workers: { type: 'string', default: '3' },
    cluster: { type: 'boolean', default: false },
    migrate: { type: 'boolean', default: false },
  },
});
const seed = Number(values.seed);
const topology = values.cluster || values.migrate ? 'cluster' : 'one server';
console.log(`seed ${seed}, ${values.workers} threads, ${topology}, Node ${process.version}`);

let reported = 0;
runHistory({
  seed,
  reads: Number(values.reads),
  workers: Number(values.workers),
  topology,
  migrations: values.migrate,
  onProgress: (reads) => {
    if (reads - reported < 100_000) return;
    reported = reads;
    console.log(`${reads} reads`);
  },
}).then(({ figures, faults, violations, seconds }) => {
  console.table({ ...figures, violations: violations.length, seconds: Math.round(seconds) });
  console.table(faults);
  for (const violation of violations.slice(0, 10)) {
    console.log(`VIOLATION (seed ${seed}) ${violation.key}: ${violation.what}`);
    for (const event of violation.events) console.log(`  ${event}`);
  }
  process.exitCode = violations.length > 0 ? 1 : 0;
});
