/**
 * Writers that die in the middle of a change, and readers that must not notice:
 * `npm run change-history -- --reads 1000000 --seed 1`.
 *
 * --reads N    ends after so many reads (default 1,000,000)
 * --seed N     what is decided by chance (default: the time)
 * --writers N  processes that change the database and are killed (default 3)
 * --readers N  threads that read (default 2)
 * --cluster    on a cluster of three nodes
 * --manner M   how a writer tells the cache: 'change', or 'commit, then invalidate', which breaks the promise
 *
 * Exits 1 if a value was older than it may be, or anything else was seen that is promised not to happen.
 */
require('reflect-metadata');
require('../../../test/support/typescript-hook.cjs');
const { parseArgs } = require('node:util');
const { runFromShell } = require('./integration/support/history/run-from-shell.cjs');
const { runChangeHistory } = require('./integration/support/change-history/run-change-history.ts');
const { MANNERS } = require('./integration/support/change-history/change-job.ts');

const { values } = parseArgs({
  options: {
    reads: { type: 'string', default: '1000000' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    writers: { type: 'string', default: '3' },
    readers: { type: 'string', default: '2' },
    cluster: { type: 'boolean', default: false },
    manner: { type: 'string', default: 'change' },
  },
});
if (!MANNERS.includes(values.manner)) {
  console.error(`--manner ${values.manner} is not one of: ${MANNERS.join('; ')}`);
  process.exit(1);
}
const seed = Number(values.seed);
const topology = values.cluster ? 'cluster' : 'one server';
console.log(`seed ${seed}, ${values.manner}, ${topology}, Node ${process.version}`);

void runFromShell(seed, (onProgress) =>
  runChangeHistory({
    seed,
    reads: Number(values.reads),
    writers: Number(values.writers),
    readers: Number(values.readers),
    topology,
    manner: values.manner,
    onProgress,
  }),
);
