/**
 * Everything that CI checks, in one command: `npm run check`. All steps run, also after one has
 * failed; the summary names the time of each and what to do about those that failed.
 */
import { spawnSync } from 'node:child_process';

const steps = [
  ['format:check', 'run `npm run format` and look at what it changed'],
  ['lint', 'correct what it says above; `npx eslint --fix .` can do some of it'],
  ['floor-plan', 'the reason and the remedy are printed with each breach above'],
  ['types', 'correct the types; this is `tsc` on sources and tests, nothing is written'],
  ['build', 'the sources of the library and the sample must compile on their own, without tests'],
  [
    'coverage',
    'make the failing test pass; if only a threshold failed, test what is not covered; if it failed ' +
      'only in the project "ioredis 5", look for what the other major version does differently',
  ],
  ['package-check', 'compare libs/redis/package.json with what is in libs/redis/dist'],
  ['smoke', 'the built application or the packed library does not work: run `npm run smoke` alone'],
];

const results = steps.map(([script, remedy]) => {
  console.log(`\n=== ${script}`);
  const startedAt = performance.now();
  const { status } = spawnSync('npm', ['run', '--silent', script], { stdio: 'inherit' });
  return { script, remedy, passed: status === 0, seconds: (performance.now() - startedAt) / 1000 };
});

console.log('\n=== check');
for (const { script, remedy, passed, seconds } of results) {
  const line = `${passed ? 'passed' : 'FAILED'}  ${seconds.toFixed(1).padStart(6)} s  ${script}`;
  console.log(passed ? line : `${line}\n                  -> ${remedy}`);
}
const failed = results.filter(({ passed }) => !passed).length;
console.log(`check: ${results.length - failed} steps passed, ${failed} failed`);
process.exitCode = failed > 0 ? 1 : 0;
