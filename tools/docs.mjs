/**
 * Makes the documentation site: `npm run docs:build`, or `npm run docs:dev` to see changes at once. First
 * come the parts that are not documents: the API reference, and the library that draws diagrams in the
 * browser. To bundle that library would take half of the time of a build.
 */
import { execFileSync } from 'node:child_process';
import { cpSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const [command = 'build'] = process.argv.slice(2);
const root = dirname(dirname(fileURLToPath(import.meta.url)));
const packages = join(root, 'node_modules');

try {
  rmSync(join(root, 'docs/api'), { recursive: true, force: true }); // names that are gone since
  run('typedoc/bin/typedoc', '--options', 'docs/typedoc.config.mjs', '--logLevel', 'Warn');
  copyMermaid(join(root, 'docs/public/mermaid'));
  run('vitepress/bin/vitepress.js', command, 'docs');
} catch {
  process.exit(1); // the program has already said what is wrong
}

function run(program, ...args) {
  const script = join(packages, program);
  execFileSync(process.execPath, [script, ...args], { cwd: root, stdio: 'inherit' });
}

/** The browser loads only the parts that the diagrams of a page need. */
function copyMermaid(target) {
  const dist = join(packages, 'mermaid/dist');
  rmSync(target, { recursive: true, force: true });
  const filter = (file) => !file.endsWith('.map');
  for (const part of ['mermaid.esm.min.mjs', 'chunks/mermaid.esm.min']) {
    cpSync(join(dist, part), join(target, part), { recursive: true, filter });
  }
}
