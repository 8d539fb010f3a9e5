/**
 * Measures for how long the near copy of a process serves what another process has invalidated, while links
 * and processes fail: `node libs/redis/test/staleness.cjs --staleness 100ms,500ms --seconds 20`. Prints a
 * table in Markdown.
 *
 * Exits 1 if a value was served for longer than it may be.
 */
require('reflect-metadata');
require('../../../test/support/typescript-hook.cjs');
const { parseArgs } = require('node:util');
const { durationToMs } = require('../src/time/duration.ts');
const {
  FAULTS,
  measureStaleness,
} = require('./integration/support/staleness/measure-staleness.ts');

const { values } = parseArgs({
  options: {
    staleness: { type: 'string', default: '100ms,500ms' },
    seconds: { type: 'string', default: '20' },
  },
});

async function run() {
  console.log(
    '| fault | `staleness` | longest seen | reads from the process | other reads | invalidations |',
  );
  console.log('| --- | ---: | ---: | ---: | ---: | ---: |');
  for (const staleness of values.staleness.split(',')) {
    const boundMs = durationToMs(staleness);
    await measureStaleness(staleness, Object.keys(FAULTS), Number(values.seconds), (measured) => {
      const { fault, nearWorstMs, otherWorstMs, nearReads, otherReads, invalidations } = measured;
      const counts = [nearReads, otherReads, invalidations].map((n) => n.toLocaleString('en'));
      console.log(
        `| ${[fault, staleness, `${nearWorstMs.toFixed(1)} ms`, ...counts].join(' | ')} |`,
      );
      if (nearWorstMs <= boundMs && otherWorstMs === 0) return;
      console.log(
        `VIOLATION ${fault}: ${nearWorstMs} ms from the process, ${otherWorstMs} ms from Redis`,
      );
      process.exitCode = 1;
    });
  }
}

run();
