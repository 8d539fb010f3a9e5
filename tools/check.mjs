/**
 * Runs all checks of CI: `npm run check`. A failed step does not stop the others; the summary shows the
 * time of each step, and what to do about the failed ones.
 *
 * The phases run one after the other. The lanes of a phase run side by side, each on a core of its own, and
 * take about as long as each other; the steps of a lane run one after the other. The tests use all cores.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';

const SOURCES = [
  [['lint', 'correct what it says above; `npx eslint --fix .` can do some of it']],
  [
    ['format:check', 'run `npm run format` and look at what it changed'],
    ['layers', 'the reason and the remedy are printed with each breach above'],
    ['types', 'correct the types; this is `tsc` on sources and tests, nothing is written'],
    ['build', 'the sources of the library and the sample must compile on their own, without tests'],
  ],
];

// V8 counts what runs, and takes half of the time of a test for that: only the tests of the library are measured.
const TESTS = [
  [
    [
      'test:measured',
      'make the failing test pass; if only a threshold failed, test what is not covered',
    ],
    [
      'test:others',
      'make the failing test pass; if it failed only in the project "ioredis 5", look for what the other ' +
        'major version does differently',
    ],
  ],
];

const PRODUCTS = [
  [
    ['docs:build', 'a dead link, or a docstring that TypeDoc cannot read: it is named above'],
    [
      'smoke',
      'the built application or the packed library does not work: run `npm run smoke` alone',
    ],
  ],
  [
    ['package-check', 'compare libs/redis/package.json with what is in libs/redis/dist'],
    [
      'matrix:ci',
      'the packed library fails for users of these versions; run `npm run matrix -- --ci --keep` and look ' +
        'into the folder that it names',
    ],
  ],
];

const results = [];
for (const lanes of [SOURCES, TESTS, PRODUCTS]) {
  // The output of a step that has company is printed as a whole, when it has ended.
  const output = lanes.length > 1 ? 'pipe' : 'inherit';
  const inLanes = await Promise.all(lanes.map((steps) => inTurn(steps, output)));
  results.push(...inLanes.flat());
}

console.log('\n=== check');
for (const { script, remedy, passed, seconds } of results) {
  const line = `${passed ? 'passed' : 'FAILED'}  ${seconds.toFixed(1).padStart(6)} s  ${script}`;
  console.log(passed ? line : `${line}\n                  -> ${remedy}`);
}
const failed = results.filter(({ passed }) => !passed).length;
console.log(`check: ${results.length - failed} steps passed, ${failed} failed`);
process.exitCode = failed > 0 ? 1 : 0;

async function inTurn(steps, output) {
  const results = [];
  for (const step of steps) results.push(await run(...step, output));
  return results;
}

/** @param output 'pipe' keeps it until the step has ended */
async function run(script, remedy, output) {
  if (output === 'inherit') console.log(`\n=== ${script}`);
  const startedAt = performance.now();
  const step = spawn('npm', ['run', '--silent', script], { stdio: ['inherit', output, output] });
  const ended = once(step, 'close');
  if (output === 'pipe') {
    const said = await Promise.all([text(step.stdout), text(step.stderr)]);
    console.log(`\n=== ${script}\n${said.join('')}`);
  }
  const [status] = await ended;
  return { script, remedy, passed: status === 0, seconds: (performance.now() - startedAt) / 1000 };
}
