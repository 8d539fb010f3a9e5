/**
 * Runs the benchmarks one after the other, each in a process of its own, and keeps what they print in
 * `benchmarks/results/<name>.txt`. Warns on a machine that has other work: its figures are worth little.
 *
 * Usage: npm run bench [-- words of the names of benchmarks]
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, mkdirSync, readdirSync } from 'node:fs';
import { loadavg } from 'node:os';
import { fileURLToPath } from 'node:url';
import { conditions } from './support/results.mjs';

const HERE = fileURLToPath(new URL('.', import.meta.url));
const RESULTS = `${HERE}results/`;
const ENDING = '.bench.mjs';
/** Processes that wait for a core, above which other work is in the way. */
const BUSY = 1;

const words = process.argv.slice(2);
const names = readdirSync(HERE)
  .filter((file) => file.endsWith(ENDING))
  .map((file) => file.slice(0, -ENDING.length))
  .filter((name) => words.length === 0 || words.some((word) => name.includes(word)));
if (names.length === 0) throw new Error(`no benchmark has one of these words: ${words.join(' ')}`);

// Only now: each benchmark is a load itself.
if (loadavg()[0] > BUSY) console.warn(`The machine has other work: a load of ${loadavg()[0]}.`);
mkdirSync(RESULTS, { recursive: true });
const failed = [];
for (const name of names) {
  console.log(`\n${name}`);
  if (!(await succeeds(name))) failed.push(name);
}
if (failed.length > 0) console.error(`Failed: ${failed.join(', ')}`);
process.exitCode = failed.length > 0 ? 1 : 0;

async function succeeds(name) {
  const { at, machine, load } = conditions();
  const kept = createWriteStream(`${RESULTS}${name}.txt`);
  kept.write(`${at}, ${machine}, a load of ${load.toFixed(1)} at the beginning\n\n`);
  const child = spawn(process.execPath, ['--expose-gc', `${HERE}${name}${ENDING}`], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  child.stdout.pipe(kept);
  child.stdout.pipe(process.stdout, { end: false });
  const [code] = await once(child, 'close');
  return code === 0;
}
