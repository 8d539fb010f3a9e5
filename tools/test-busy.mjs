/**
 * Runs the tests beside two busy loops per core: `npm run test:busy`. A test that fails here assumes a
 * fast, idle machine.
 *
 *   npm run test:busy                          the whole suite, once
 *   npm run test:busy -- --times 3             until it has failed or passed three times in a row
 *   npm run test:busy -- --selectProjects unit -- duration    anything that Jest accepts
 */
import { spawnSync } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';

const LOOPS_PER_CORE = 2;

const args = process.argv.slice(2);
const at = args.indexOf('--times');
const times = at === -1 ? 1 : Number(args.splice(at, 2)[1]);
if (!Number.isInteger(times) || times < 1)
  throw new Error('--times takes a number of runs, such as 3');

// Threads of this process: they end with it, even if it is killed.
const loops = LOOPS_PER_CORE * availableParallelism();
for (let i = 0; i < loops; i++) new Worker('for (;;);', { eval: true });

for (let run = 1; run <= times; run++) {
  const startedAt = performance.now();
  const { status } = spawnSync('npm', ['test', '--', ...args], { stdio: 'inherit' });
  const seconds = ((performance.now() - startedAt) / 1_000).toFixed(0);
  const outcome = status === 0 ? 'passed' : 'FAILED';
  console.log(
    `test:busy: run ${run} of ${times} ${outcome} in ${seconds} s beside ${loops} busy loops`,
  );
  if (status !== 0) process.exit(1);
}
process.exit(0);
