/**
 * Replicas that take over from their primaries, and readers who look for what was invalidated:
 * `npm run failover-history -- --reads 200000 --replicas 1`.
 *
 * --reads N      ends after so many reads (default 200,000)
 * --seed N       what is decided by chance (default: the time)
 * --replicas N   how many replicas have to confirm an invalidation (default 1; 0 for none, which breaks the
 *                promise)
 * --near         caches have near copies, which may be stale for 100 ms
 * --kinds A,B,C  how replicas take over, in turn: `forced` after they have missed something, `orderly`,
 *                and after the primary was `killed` (default: all three)
 *
 * Exits 1 if a value was older than an invalidation that was acknowledged before it was read, or, in a near
 * copy, 100 ms before that.
 */
require('reflect-metadata');
require('../../../test/support/typescript-hook.cjs');
const { parseArgs } = require('node:util');
const { failovers } = require('./integration/support/failovers/failovers.ts');
const { runFailovers } = require('./integration/support/failovers/run-failovers.ts');

const { values } = parseArgs({
  options: {
    reads: { type: 'string', default: '200000' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    replicas: { type: 'string', default: '1' },
    near: { type: 'boolean', default: false },
    kinds: { type: 'string', default: Object.keys(failovers).join() },
  },
});
const [seed, reads, replicas] = [values.seed, values.reads, values.replicas].map(Number);
const kinds = values.kinds.split(',');
const unknown = kinds.filter((kind) => !(kind in failovers));
if (unknown.length > 0) throw new Error(`--kinds knows ${Object.keys(failovers)}, not ${unknown}`);
console.log(`seed ${seed}, ${replicas} replicas confirm, ${kinds}, Node ${process.version}`);

void runFailovers({ seed, reads, replicas, near: values.near, kinds }).then((figures) => {
  console.table(figures);
  process.exitCode = figures.stale + figures.nearStale > 0 ? 1 : 0;
});
