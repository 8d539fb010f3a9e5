/**
 * Breaks the cache in each known way (`mutants.list.mjs`), and expects a test to fail for each:
 * `npm run mutants`, or `npm run mutants -- lease` for the mutants whose sentence or spec has that word.
 *
 * Each mutant patches a temporary copy of the sources. Exits 1 if one survives, if a patch does not fit
 * the sources any more, if a spec fails without a mutant, or if the page of mutants does not list them
 * all.
 */
import { execFile } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { mutants } from './mutants.list.mjs';

const here = dirname(dirname(fileURLToPath(import.meta.url)));
const COPIED = [
  'jest.config.mjs',
  'package.json',
  'libs/redis/src',
  'libs/redis/test',
  'test/support',
];
const SOURCES = 'libs/redis/src/cache';
const PAGE = 'docs/guide/caching-tests.md';
const AT_ONCE = 2;
/** A test that hangs because of a mutant must fail before its run is ended, so that its failure is reported. */
const TEST_MS = 20_000;
const RUN_MS = 120_000;

const word = process.argv[2] ?? '';
const chosen = mutants.filter(({ breaks, spec }) => `${breaks} ${spec}`.includes(word));
const unmutated = new Map(
  chosen.map(({ spec, where, project }) => [`${spec} ${where}`, { spec, where, project }]),
);
const jobs = [...unmutated.values(), ...chosen];

const startedAt = performance.now();
const verdicts = (await Promise.all(Array.from({ length: AT_ONCE }, work))).flat();
const page = await readFile(join(here, PAGE), 'utf8');
for (const { breaks } of mutants) {
  if (!page.includes(`\n- ${breaks}\n`)) verdicts.push(say(false, breaks, `is not in ${PAGE}`));
}
const wrong = verdicts.filter(({ isRight }) => !isRight);
const seconds = ((performance.now() - startedAt) / 1000).toFixed(0);
console.log(`\n${chosen.length} mutants, ${wrong.length} unexpected outcomes, ${seconds} s`);
process.exitCode = wrong.length > 0 || chosen.length === 0 ? 1 : 0;

/** Takes one job after the other, in a copy of the sources. */
async function work() {
  const copy = await mkdtemp(join(tmpdir(), 'nestjs-redis-data-mutants-'));
  const done = [];
  try {
    for (const path of COPIED) await cp(join(here, path), join(copy, path), { recursive: true });
    await symlink(join(here, 'node_modules'), join(copy, 'node_modules'));
    for (let job = jobs.shift(); job; job = jobs.shift()) done.push(await tryOut(copy, job));
  } finally {
    await rm(copy, { recursive: true, force: true });
  }
  return done;
}

async function tryOut(copy, { spec, where, project = 'integration', breaks, edits = [] }) {
  const untouched = new Map();
  for (const { file, find, replace } of edits) {
    const path = join(copy, SOURCES, file);
    const source = await readFile(path, 'utf8');
    if (!untouched.has(path)) untouched.set(path, source);
    if (source.split(find).length !== 2) return say(false, breaks, `does not fit ${file}: ${find}`);
    await writeFile(
      path,
      source.replace(find, () => replace),
    );
  }
  const outcome = await run(copy, project, spec, where ?? whereOf(spec));
  for (const [path, source] of untouched) await writeFile(path, source);
  if (!breaks) return say(outcome.passed, spec, outcome.passed ? 'passes unmutated' : outcome.text);
  const { failure, text } = outcome;
  return say(failure !== undefined, breaks, failure ?? `SURVIVED ${spec}\n${text}`);
}

function say(isRight, what, how) {
  console.log(`${isRight ? 'ok    ' : 'WRONG '} ${what}\n         ${how}`);
  return { isRight };
}

/** On one server, where it has both: that is quicker, and most of what is wrong there is wrong in a cluster. */
function whereOf(spec) {
  return spec.startsWith('cluster-') ? 'one node of a cluster' : 'on one server';
}

function run(copy, project, spec, where) {
  const args = ['node_modules/jest/bin/jest.js', '--selectProjects', project, '--runInBand'];
  const how = ['--bail', '--silent', '--forceExit', `--testTimeout=${TEST_MS}`];
  const limits = { cwd: copy, timeout: RUN_MS, maxBuffer: 64 * 1024 * 1024 };
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [...args, ...how, '-t', where, '--', spec],
      limits,
      (error, _, report) => {
        // Only a test that has failed counts: sources that do not compile prove nothing.
        const failed = new RegExp(`^ {2}● (?=.*${where}).*? › (.+)$`, 'm');
        const [, failure] = failed.exec(report) ?? [];
        const passed = !error && /^Tests: .* passed/m.test(report);
        resolve({ passed, failure, text: report.slice(-2_000) });
      },
    );
  });
}
