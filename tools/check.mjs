/**
 * Runs all checks of CI: `npm run check`. A failed step does not stop the others; the summary shows the
 * time of each step, and what to do about the failed ones.
 *
 * ESLint takes as long as all steps before the tests together, and the site half as long as those after
 * them: each runs beside these steps, on another core, and its output is printed when it has ended.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';

const LINT = ['lint', 'correct what it says above; `npx eslint --fix .` can do some of it'];

const BESIDE_LINT = [
  ['format:check', 'run `npm run format` and look at what it changed'],
  ['layers', 'the reason and the remedy are printed with each breach above'],
  ['types', 'correct the types; this is `tsc` on sources and tests, nothing is written'],
  ['build', 'the sources of the library and the sample must compile on their own, without tests'],
];

const TESTS = [
  [
    'coverage',
    'make the failing test pass; if only a threshold failed, test what is not covered; if it failed ' +
      'only in the project "ioredis 5", look for what the other major version does differently',
  ],
];

const SITE = [
  'docs:build',
  'a dead link, or a docstring that TypeDoc cannot read: it is named above',
];

const BESIDE_SITE = [
  ['package-check', 'compare libs/redis/package.json with what is in libs/redis/dist'],
  ['smoke', 'the built application or the packed library does not work: run `npm run smoke` alone'],
  [
    'matrix:ci',
    'the packed library fails for users of these versions; run `npm run matrix -- --ci --keep` and look ' +
      'into the folder that it names',
  ],
];

const lint = run(...LINT, 'pipe');
const results = await inTurn(BESIDE_LINT);
results.push(await lint, ...(await inTurn(TESTS)));
const site = run(...SITE, 'pipe');
results.push(...(await inTurn(BESIDE_SITE)), await site);

console.log('\n=== check');
for (const { script, remedy, passed, seconds } of results) {
  const line = `${passed ? 'passed' : 'FAILED'}  ${seconds.toFixed(1).padStart(6)} s  ${script}`;
  console.log(passed ? line : `${line}\n                  -> ${remedy}`);
}
const failed = results.filter(({ passed }) => !passed).length;
console.log(`check: ${results.length - failed} steps passed, ${failed} failed`);
process.exitCode = failed > 0 ? 1 : 0;

async function inTurn(steps) {
  const results = [];
  for (const step of steps) {
    console.log(`\n=== ${step[0]}`);
    results.push(await run(...step, 'inherit'));
  }
  return results;
}

/** @param output 'pipe' keeps it until the step has ended */
async function run(script, remedy, output) {
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
