/**
 * Runs the users API under traffic and all faults: `npm run chaos -- --seed 1 --fault kill`.
 *
 * --topology NAME  standalone, tls, sentinel or cluster; may be given several times (default: all)
 * --fault NAME     as in docs/guide/reliability.md; may be given several times (default: all)
 * --seed N         the order of the faults, their victims and the requests of each caller (default: the time)
 * --minutes N      starts further rounds until this time has passed (default: one round)
 *
 * Exits 1 if a promise was broken.
 */
require('./from-sources.cjs');
const { parseArgs } = require('node:util');
const { FAULTS } = require('./faults.ts');
const { lineOf, tableOf } = require('./report.ts');
const { runChaos } = require('./run-chaos.ts');
const { TOPOLOGIES } = require('./topologies/topology.ts');

const { values } = parseArgs({
  options: {
    topology: { type: 'string', multiple: true, default: [...TOPOLOGIES] },
    fault: { type: 'string', multiple: true, default: [...FAULTS] },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    minutes: { type: 'string', default: '0' },
  },
});
refuseUnknown('--topology', values.topology, TOPOLOGIES);
refuseUnknown('--fault', values.fault, FAULTS);
console.log(`seed ${values.seed}, Node ${process.version}`);

runChaos({
  seed: Number(values.seed),
  topologies: values.topology,
  faults: values.fault,
  forMs: Number(values.minutes) * 60_000,
  onRow: (row) => {
    console.log(lineOf(row));
    for (const { kind, what } of row.violations.slice(0, 10)) console.log(`  ${kind}: ${what}`);
  },
}).then((rows) => {
  console.log(tableOf(rows));
  if (rows.some(({ violations }) => violations.length > 0)) process.exitCode = 1;
});

function refuseUnknown(option, names, known) {
  const unknown = names.filter((name) => !known.includes(name));
  if (unknown.length === 0) return;
  console.error(`${option} ${unknown.join(', ')} is not one of ${known.join(', ')}`);
  process.exit(1);
}
