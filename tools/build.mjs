/**
 * Builds the library (ESM and CommonJS) and the sample application with `tsc -b`: incremental, so a
 * second run with nothing changed takes a second.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const tsc = createRequire(import.meta.url).resolve('typescript/bin/tsc');
const projects = [
  'libs/redis/tsconfig.lib.json',
  'libs/redis/tsconfig.cjs.json',
  'apps/users/tsconfig.app.json',
];

try {
  execFileSync(process.execPath, [tsc, '-b', ...projects], { cwd: root, stdio: 'inherit' });
} catch {
  process.exit(1); // the compiler has already said what is wrong
}

// The package is "type": "module"; this file tells Node that the files beside it are not.
const cjs = join(root, 'libs/redis/dist/cjs');
mkdirSync(cjs, { recursive: true });
writeFileSync(join(cjs, 'package.json'), '{"type":"commonjs"}\n');
