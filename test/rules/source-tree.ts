import { copyFileSync, mkdirSync, mkdtempSync, realpathSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

/** Path inside the tree -> content. */
export type Files = Readonly<Record<string, string>>;

const repository = process.cwd();
const rules = [
  '.dependency-cruiser.cjs',
  'tsconfig.json',
  'tsconfig.base.json',
  'libs/redis/package.json',
];
const packages = [
  'class-transformer',
  'class-validator',
  'ioredis',
  'js-redis-server',
  'left-pad',
  'prom-client',
  '@nestjs/common',
  '@nestjs/terminus',
  '@opentelemetry/api',
];

/**
 * Writes a temporary source tree with a copy of this repository's rules and with stand-ins for the
 * packages that the rules name.
 *
 * @returns the tree's absolute path; the caller removes it
 */
export function writeSourceTree(files: Files): string {
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'layers-')));
  for (const file of rules) {
    mkdirSync(dirname(join(root, file)), { recursive: true });
    copyFileSync(join(repository, file), join(root, file));
  }
  for (const name of packages) {
    write(root, `node_modules/${name}/package.json`, `{ "name": "${name}", "main": "index.js" }`);
    write(root, `node_modules/${name}/index.js`, 'module.exports = {};');
  }
  for (const [file, content] of Object.entries(files)) {
    write(root, file, content);
  }
  return root;
}

function write(root: string, file: string, content: string): void {
  mkdirSync(dirname(join(root, file)), { recursive: true });
  writeFileSync(join(root, file), `${content}\n`);
}
