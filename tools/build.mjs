/**
 * Builds the library (ESM and CommonJS) and the sample application with `tsc -b`: incremental, so a
 * second run without changes takes a second.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
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
const cjs = join(root, 'libs/redis/dist/cjs');
mkdirSync(cjs, { recursive: true });
writeFileSync(join(cjs, 'package.json'), '{"type":"commonjs"}\n');

try {
  const projects = builds.map(({ project }) => project);
  execFileSync(process.execPath, [tsc, '-b', ...projects], { cwd: root, stdio: 'inherit' });
} catch {
  process.exit(1); // the compiler has already said what is wrong
}

for (const { source, output } of builds) {
  removeOrphans(join(root, source), join(root, output));
}

/** The compiler leaves behind what it made of a source that is gone since; it would be published. */
function removeOrphans(source, output) {
  for (const file of readdirSync(output, { recursive: true })) {
    const [, stem] = /^(.+?)(\.d\.ts|\.js)(\.map)?$/.exec(file) ?? [];
    if (stem && !existsSync(join(source, `${stem}.ts`))) rmSync(join(output, file));
  }
}
