/**
 * Replicas that take over from primaries which have not passed on everything, and readers who look for what
 * was invalidated: `npm run failover-history -- --reads 200000 --replicas 1`.
 *
 * --reads N     ends after so many reads (default 200,000)
 * --seed N      what is decided by chance (default: the time)
 * --replicas N  how many replicas have to confirm an invalidation (default 1; 0 for none, which breaks the
 *               promise)
 *
 * Exits 1 if a value was older than an invalidation that was acknowledged before it was read.
 */
require('reflect-metadata');
require('../../../test/support/typescript-hook.cjs');
const { parseArgs } = require('node:util');
const { runFailovers } = require('./integration/support/failover-history.ts');

const { values } = parseArgs({
  options: {
    reads: { type: 'string', default: '200000' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    replicas: { type: 'string', default: '1' },
  },
});
const [seed, reads, replicas] = [values.seed, values.reads, values.replicas].map(Number);
console.log(`seed ${seed}, ${replicas} replicas confirm, Node ${process.version}`);

void runFailovers({ seed, reads, replicas }).then((figures) => {
  console.table(figures);
  process.exitCode = figures.stale > 0 ? 1 : 0;
});
