/**
 * Runs two instances of the users API on one Redis and one PostgreSQL, under traffic, while all of them fail:
 * `npm run instances -- --minutes 5 --seed 1`.
 *
 * --minutes N  continues until this time has passed (default: each fault once)
 * --seed N     the order of the faults, their victims and the requests of each caller (default: the time)
 *
 * Exits 1 if a read was older than a change that was released before it, or another promise was broken.
 */
require('../chaos/from-sources.cjs');
require('../support/find-postgres.cjs')();
const { parseArgs } = require('node:util');
const { INSTANCE_FAULTS } = require('./instance-faults.ts');
const { runInstances } = require('./run-instances.ts');

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '0' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
  },
});
console.log(`seed ${values.seed}, Node ${process.version}`);

runInstances({
  seed: Number(values.seed),
  faults: Object.keys(INSTANCE_FAULTS),
  forMs: Number(values.minutes) * 60_000,
  onFault: (fault) => console.log(fault),
}).then(({ counts, findings, longestMs, seconds }) => {
  const inOrder = Object.entries(counts).sort(([one], [other]) => (one < other ? -1 : 1));
  console.table(Object.fromEntries(inOrder));
  console.table(longestMs);
  for (const { kind, what } of findings.slice(0, 20)) console.log(`${kind}: ${what}`);
  const stale = findings.filter(({ kind }) => kind === 'stale read').length;
  console.log(`${Math.round(seconds)} s, ${stale} stale reads, ${findings.length} findings`);
  process.exitCode = findings.length > 0 ? 1 : 0;
});
