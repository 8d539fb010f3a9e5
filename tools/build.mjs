/**
 * Builds the library (ESM and CommonJS) and the sample application with `tsc -b`: incremental, so a
 * second run without changes takes a second.
 *
 * The library has one set of types, those in dist/cjs: ES modules get them through the files in
 * dist/types. Two sets would be two classes of each name to the compiler (docs/adr/0062).
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, posix } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const library = join(root, 'libs/redis');
const tsc = createRequire(import.meta.url).resolve('typescript/bin/tsc');
const builds = [
  {
    project: 'libs/redis/tsconfig.lib.json',
    source: 'libs/redis/src',
    output: 'libs/redis/dist/esm',
  },
  {
    project: 'libs/redis/tsconfig.cjs.json',
    source: 'libs/redis/src',
    output: 'libs/redis/dist/cjs',
  },
  { project: 'apps/users/tsconfig.app.json', source: 'apps/users/src', output: 'dist/apps/users' },
];

// The package is "type": "module"; this file tells Node that the files beside it are not.
write('dist/cjs/package.json', '{"type":"commonjs"}\n');
writeTypesOfModules();
writeChangelog();

try {
  const projects = builds.map(({ project }) => project);
  execFileSync(process.execPath, [tsc, '-b', ...projects], { cwd: root, stdio: 'inherit' });
} catch {
  process.exit(1); // the compiler has already said what is wrong
}

for (const { source, output } of builds) {
  removeOrphans(join(root, source), join(root, output));
}

/** The types of each entry point for ES modules: the names of its types for CommonJS. */
function writeTypesOfModules() {
  const { exports } = JSON.parse(readFileSync(join(library, 'package.json'), 'utf8'));
  for (const { import: module, require } of Object.values(exports)) {
    if (!module) continue; // package.json
    const target = posix
      .relative(posix.dirname(module.types), require.types)
      .replace(/\.d\.ts$/, '.js');
    write(module.types, `export * from '${target}';\n`);
  }
}

/** The change log of the package: that of the repository, without links to files that are not shipped. */
function writeChangelog() {
  const text = readFileSync(join(root, 'CHANGELOG.md'), 'utf8');
  write('CHANGELOG.md', text.replace(/\[([^\]]+)\]\((?!https?:)[^)]+\)/g, '$1'));
}

/** Writes a file of the library; the same text again leaves it alone, or the compiler would start anew. */
function write(file, text) {
  const path = join(library, file);
  if (existsSync(path) && readFileSync(path, 'utf8') === text) return;
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}

/** The compiler leaves behind what it made of a source that is gone since; it would be published. */
function removeOrphans(source, output) {
  for (const file of readdirSync(output, { recursive: true })) {
    const [, stem, map] = /^(.+?)(?:\.d\.c?ts|\.c?js)(\.map)?$/.exec(file) ?? [];
    const isKept = ['ts', 'cts'].some((ending) => existsSync(join(source, `${stem}.${ending}`)));
    // A map of the library is one of an earlier build: it is shipped without.
    const isOldMap = map !== undefined && output.startsWith(library);
    if (stem && (!isKept || isOldMap)) rmSync(join(output, file));
  }
}
