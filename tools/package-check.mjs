/**
 * Checks the package as npm would publish it: package.json names only built files, both module formats
 * export the same names, Node loads one copy for both, and publint and attw find no problem. Build first.
 *
 *     npm run package-check
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const library = join(root, 'libs/redis');
const manifest = JSON.parse(readFileSync(join(library, 'package.json'), 'utf8'));
const require = createRequire(import.meta.url);
const entryPoints = Object.keys(manifest.exports).filter((subpath) => !subpath.endsWith('.json'));

// The CommonJS build is loaded beside the ESM build here, on purpose: a second copy has to say so.
const warnings = [];
process.removeAllListeners('warning').on('warning', ({ code }) => warnings.push(code));

const problems = [...missingTargets(), ...(await differentNames()), ...(await secondCopies())];
if (!warnings.includes('NESTJS_REDIS_DATA_COPIES')) {
  problems.push('a second copy of the library in a process does not announce itself');
}
const scratch = mkdtempSync(join(tmpdir(), 'package-check-'));
try {
  const { filename, files } = pack(scratch);
  problems.push(...wrongContents(files.map(({ path }) => path)));
  problems.push(...saidBy('publint', ['run', join(scratch, filename), '--strict']));
  // node10 is how TypeScript 5 resolves for `module: commonjs`, which Nest's own generators chose for years.
  problems.push(...saidBy('attw', [join(scratch, filename), '--profile', 'strict']));
  console.log(
    `${manifest.name}@${manifest.version}: ${files.length} files, ${entryPoints.length} entry points`,
  );
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
for (const problem of problems) {
  console.error(`- ${problem}`);
}
process.exitCode = problems.length > 0 ? 1 : 0;

/** Everything that package.json points to is there. */
function missingTargets() {
  const { main, module, types, typesVersions, exports } = manifest;
  return strings([main, module, types, typesVersions, exports])
    .filter((target) => !existsSync(join(library, target)))
    .map((target) => `package.json points to ${target}, which the build did not make`);
}

function strings(value) {
  return typeof value === 'string' ? [value] : Object.values(value).flatMap(strings);
}

/** A name that only one of the formats has would work for half of the users. */
async function differentNames() {
  const found = [];
  for (const subpath of entryPoints) {
    const specifier = join(manifest.name, subpath);
    try {
      const esm = Object.keys(await import(specifier)).sort();
      const cjs = Object.keys(require(join(library, manifest.exports[subpath].require.default)));
      cjs.sort();
      if (esm.join() === cjs.join()) continue;
      found.push(`${specifier}: import offers ${esm.join(', ')}; require offers ${cjs.join(', ')}`);
    } catch (error) {
      found.push(`${specifier} cannot be loaded: ${error.stack}`);
    }
  }
  return found;
}

/** A class of which a process has two copies is another class to Nest, and to `instanceof`. */
async function secondCopies() {
  const found = [];
  for (const subpath of entryPoints) {
    const specifier = join(manifest.name, subpath);
    const imported = await import(specifier);
    const required = require(specifier);
    const different = Object.keys(imported).filter((name) => imported[name] !== required[name]);
    if (different.length > 0) {
      found.push(`${specifier}: import and require load different ${different.join(', ')}`);
    }
  }
  return found;
}

function pack(destination) {
  const options = { cwd: library, encoding: 'utf8' };
  const args = ['pack', '--json', '--pack-destination', destination];
  return JSON.parse(execFileSync('npm', args, options))[0];
}

function wrongContents(files) {
  const wanted = ['package.json', 'README.md', 'CHANGELOG.md', 'LICENSE'];
  const missing = wanted.filter((file) => !files.includes(file));
  const unwanted = files.filter((file) =>
    /\.spec\.|tsbuildinfo|\.map$|^(src|test)\/|^dist\/esm\/.*\.d\.c?ts$/.test(file),
  );
  return [
    ...missing.map((file) => `the tarball lacks ${file}: add libs/redis/${file}`),
    ...unwanted.map((file) => `the tarball has ${file}: see "files" in libs/redis/package.json`),
    ...files
      .filter(namesSourceMap)
      .map((file) => `${file} names a source map, which is not shipped`),
    ...deadLinks('README.md'),
  ];
}

/** Bundlers warn of each map that they do not find. */
function namesSourceMap(file) {
  return (
    file.endsWith('.js') && /\/\/# sourceMappingURL/.test(readFileSync(join(library, file), 'utf8'))
  );
}

/** Links that lead nowhere on the package's page: those to files of the repository. */
function deadLinks(file) {
  const text = readFileSync(join(library, file), 'utf8');
  return [...text.matchAll(/\]\((?!https?:|#)([^)]+)\)/g)].map(
    ([, target]) => `${file} links to ${target}, which is not in the package`,
  );
}

function saidBy(program, args) {
  try {
    const options = { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] };
    execFileSync('npx', ['--no-install', program, ...args], options);
    return [];
  } catch ({ stdout, stderr }) {
    return [`${program} objects:\n${stdout}${stderr}`];
  }
}
