/**
 * The long version of the cache's history test: `npm run history -- --reads 1000000 --seed 1`.
 *
 * --reads N    ends after so many reads (default 1,000,000)
 * --seconds N  ends after so many seconds, if there have not been so many reads (default: no limit)
 * --seed N     what is decided by chance (default: the time)
 * --workers N  threads, each with an event loop and connections of its own (default 3)
 * --cluster    on a cluster of three nodes, where entries and tags live in different slots
 * --near       caches have near copies, and what harms these is done, too
 * --migrate    the same as --cluster, and slots that hold something are moved between the nodes meanwhile
 *
 * Exits 1 if a value was older than it may be, or anything else was seen that is promised not to happen.
 */
require('reflect-metadata');
require('../../../test/support/typescript-hook.cjs');
const { parseArgs } = require('node:util');
const { runFromShell } = require('./integration/support/history/run-from-shell.cjs');
const { runHistory } = require('./integration/support/history/run-history.ts');

const { values } = parseArgs({
  options: {
    reads: { type: 'string', default: '1000000' },
    seconds: { type: 'string', default: 'Infinity' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    workers: { type: 'string', default: '3' },
    cluster: { type: 'boolean', default: false },
    near: { type: 'boolean', default: false },
    migrate: { type: 'boolean', default: false },
  },
});
const seed = Number(values.seed);
const topology = values.cluster || values.migrate ? 'cluster' : 'one server';
console.log(`seed ${seed}, ${values.workers} threads, ${topology}, Node ${process.version}`);

void runFromShell(seed, (onProgress) =>
  runHistory({
    seed,
    reads: Number(values.reads),
    seconds: Number(values.seconds),
    workers: Number(values.workers),
    topology,
    near: values.near,
    migrations: values.migrate,
    onProgress,
  }),
);
