/**
 * Checks the source tree against the layers in `.dependency-cruiser.cjs` and explains each breach.
 *
 *     node tools/layers.mjs                  this repository
 *     node tools/layers.mjs --json a b c     other trees, one line of JSON each (for the tests)
 *
 * Exits 1 on a breach, and also if no file was read: with an unknown version of the compiler,
 * dependency-cruiser reads no TypeScript and reports no problem.
 */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { fileURLToPath } from 'node:url';
import { cruise } from 'dependency-cruiser';
import extractTSConfig from 'dependency-cruiser/config-utl/extract-ts-config';
import { partCycles } from './part-cycles.mjs';

const here = dirname(dirname(fileURLToPath(import.meta.url)));
const folders = ['libs', 'apps', 'test', 'benchmarks'];

const { values, positionals } = parseArgs({
  options: { json: { type: 'boolean', default: false } },
  allowPositionals: true,
});

let sound = true;
for (const root of positionals.length > 0 ? positionals : [here]) {
  const result = await check(root);
  sound &&= result.modules > 0 && result.breaches.length === 0;
  console.log(values.json ? JSON.stringify(result) : inWords(result));
}
process.exitCode = sound ? 0 : 1;

async function check(root) {
  process.chdir(root); // resolution and reading package.json both start at the working directory
  const { options, computed, ...ruleSet } = createRequire(import.meta.url)(
    join(root, '.dependency-cruiser.cjs'),
  );
  const { enhancedResolveOptions, ...rest } = options;
  const { output } = await cruise(
    folders.filter((folder) => existsSync(join(root, folder))),
    { ...rest, ruleSet, validate: true, baseDir: root, enhancedResolveOptions },
    undefined,
    { tsConfig: extractTSConfig(join(root, options.tsConfig.fileName)) },
  );
  const rules = [...ruleSet.forbidden, ...ruleSet.required];
  const reasons = new Map(rules.map(({ name, comment }) => [name, comment]));
  const found = output.summary.violations.map(({ rule, from, to }) => ({
    rule: rule.name,
    from,
    to,
    reason: reasons.get(rule.name),
  }));
  const cycles = cyclesAsBreaches(output.modules, computed[0]);
  return { modules: output.summary.totalCruised, breaches: [...found, ...cycles] };
}

function cyclesAsBreaches(files, { name, comment }) {
  return partCycles(files).map(({ folder, parts, proofs }) => ({
    rule: name,
    from: `${folder}: ${parts.join(' -> ')}`,
    reason: `${comment}\n    ${proofs.join('\n    ')}`,
  }));
}

function inWords({ modules, breaches }) {
  if (modules === 0) {
    return (
      'Layers: 0 files were read, so nothing was checked. Is the TypeScript version one ' +
      'that dependency-cruiser knows, and did the source folders move?'
    );
  }
  const lines = breaches.map(
    ({ rule, from, to, reason }) =>
      `${from}${to && to !== from ? ` -> ${to}` : ''}\n  breaks ${rule}: ${reason}\n`,
  );
  const verdict = breaches.length === 0 ? 'all in place' : `breaches: ${breaches.length}`;
  return [...lines, `Layers: ${modules} files read, ${verdict}.`].join('\n');
}
