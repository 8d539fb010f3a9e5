/**
 * Installs the packed library as users do, in many combinations of versions, formats and tools, and
 * type-checks and runs an application in each: `npm run matrix`. Build first. Needs a Redis server program and
 * the package registry.
 *
 *     npm run matrix                       all cells, one after the other
 *     npm run matrix -- webpack pnpm       those whose name has one of these words
 *     npm run matrix -- --ci               the three of every `npm run check`
 *     npm run matrix -- --keep             leave the folders of failed cells for a look
 *     npm run matrix -- --write            put the table into docs/guide/compatibility.md
 *
 * REDIS_SERVER_BINS names further server programs, separated by colons: one cell runs on each of them.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { fileURLToPath } from 'node:url';
import { Redis } from 'ioredis';
import { startRedis } from 'nestjs-redis-data/testing';
import { cells } from './matrix/cells.mjs';
import { Scratch } from './matrix/scratch.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const page = join(root, 'docs/guide/compatibility.md');

/** What each program reports if all is well. */
const EXPECTED = {
  app: {
    repository: true,
    validation: true,
    cache: 'Ada',
    route: ['MISS', 'HIT'],
    health: ['up'],
    metrics: true,
    others: ['function', 'function', 'function', 'object'],
  },
  'cache-only': {
    cache: 1,
    refused: [
      [
        'class-validator: npm install class-validator class-transformer',
        'class-transformer: npm install class-validator class-transformer',
      ],
      ['@nestjs/config: npm install @nestjs/config'],
    ],
  },
  'two-formats': { injected: 'a report', given: 'a report', recognized: true, recognizes: true },
};

const { values, positionals } = parseArgs({
  options: {
    ci: { type: 'boolean', default: false },
    keep: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
  },
  allowPositionals: true,
});

const tools = join(tmpdir(), 'nestjs-redis-data-matrix');
const scratch = mkdtempSync(join(tmpdir(), 'matrix-package-'));
const servers = (process.env.REDIS_SERVER_BINS ?? '').split(':').filter(Boolean);
const results = [];
try {
  const tarball = pack();
  for (const cell of cells.filter(isWanted)) {
    for (const bin of cell.servers ? [undefined, ...servers] : [undefined]) {
      results.push(await judge(cell, tarball, bin));
    }
  }
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
const failed = results.filter(({ problem }) => problem !== undefined);
console.log(`\n${table(results)}\n`);
console.log(`matrix: ${results.length - failed.length} cells passed, ${failed.length} failed`);
if (values.write) writePage(table(results));
process.exitCode = failed.length > 0 || results.length === 0 ? 1 : 0;

function isWanted(cell) {
  if (values.ci) return cell.ci === true;
  const text = `${cell.name} ${cell.tool}`.toLowerCase();
  return positionals.length === 0 || positionals.some((word) => text.includes(word.toLowerCase()));
}

function pack() {
  const args = ['pack', '--json', '--pack-destination', scratch];
  const [{ filename }] = JSON.parse(
    execFileSync('npm', args, { cwd: join(root, 'libs/redis'), encoding: 'utf8' }),
  );
  return join(scratch, filename);
}

async function judge(cell, tarball, bin) {
  const startedAt = performance.now();
  const result = { cell, server: '', node: '', problem: undefined };
  const server = await startOn(bin);
  let place;
  try {
    result.server = await versionOf(server);
    const node = nodeOf(cell.node);
    result.node = execFileSync(node, ['--version'], { encoding: 'utf8' }).trim().slice(1);
    const environment = { REDIS_URL: server.url, ...(cell.manager === 'pnpm' && { PNPM: pnpm() }) };
    place = new Scratch(cell, node, environment);
    await place.install(tarball);
    await place.compile();
    const { report, said } = await place.run();
    result.problem =
      difference(report, EXPECTED[cell.program ?? 'app']) ?? warningIn(said, result.node);
  } catch (error) {
    result.problem = error.message;
  }
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
  const verdict = result.problem === undefined ? 'passed' : 'FAILED';
  console.log(`${verdict}  ${seconds.padStart(6)} s  ${inWords(result)}`);
  if (result.problem !== undefined) {
    console.log(result.problem.split('\n').slice(0, 40).join('\n'));
    if (values.keep) console.log(`look into ${place?.folder}`);
  }
  if (result.problem === undefined || !values.keep) place?.remove();
  await server.stop();
  return result;
}

function difference(report, expected) {
  const [seen, wanted] = [JSON.stringify(report), JSON.stringify(expected)];
  return seen === wanted ? undefined : `reported ${seen}\nexpected ${wanted}`;
}

/** A warning that makes users ask what is wrong. Node 22.12 alone warns of each `require` of an ES module. */
function warningIn(said, node) {
  if (node.startsWith('22.12.')) return undefined;
  const [line] = /^.*\b(Experimental|Deprecation)Warning\b.*$/m.exec(said) ?? [];
  return line && /nestjs-redis-data|ES Module/.test(line) ? line : undefined;
}

/** @param bin the server program, unless it is the one that the test helpers find */
async function startOn(bin) {
  const found = process.env.REDIS_SERVER_BIN;
  if (bin !== undefined) process.env.REDIS_SERVER_BIN = bin;
  try {
    return await startRedis();
  } finally {
    if (found === undefined) delete process.env.REDIS_SERVER_BIN;
    else process.env.REDIS_SERVER_BIN = found;
  }
}

async function versionOf({ url }) {
  const client = new Redis(url);
  try {
    const info = await client.info('server');
    const [, version] = /redis_version:([\d.]+)/.exec(info) ?? [];
    const [, ofValkey] = /valkey_version:([\d.]+)/.exec(info) ?? [];
    return ofValkey === undefined ? `Redis ${version}` : `Valkey ${ofValkey}`;
  } finally {
    client.disconnect();
  }
}

/** This Node if it is of the wanted major version, else the package of that version, installed once. */
function nodeOf(version) {
  if (process.versions.node.split('.')[0] === version) return process.execPath;
  const name = `node-${process.platform}-${process.arch}`;
  const home = installTool(`${name}@${version}`);
  return join(home, 'node_modules', name, 'bin/node');
}

function pnpm() {
  return join(installTool('pnpm@10.34.8'), 'node_modules/pnpm/bin/pnpm.cjs');
}

function installTool(specifier) {
  const home = join(tools, specifier);
  if (existsSync(join(home, 'done'))) return home;
  mkdirSync(home, { recursive: true });
  writeFileSync(join(home, 'package.json'), '{}');
  const flags = ['--no-audit', '--no-fund', '--loglevel=error', '--no-save', '--prefer-offline'];
  execFileSync('npm', ['install', ...flags, specifier], { cwd: home, stdio: 'inherit' });
  writeFileSync(join(home, 'done'), '');
  return home;
}

function inWords({ cell, server, node }) {
  const { name, nest, ioredis, typescript } = cell;
  return `${name}: Nest ${nest}, ioredis ${ioredis}, Node ${node}, TypeScript ${typescript}, ${server}`;
}

function table(rows) {
  const head = ['cell', 'Nest', 'ioredis', 'Node', 'TypeScript', 'format', 'by', 'server', 'works'];
  const lines = rows.map(({ cell, server, node, problem }) => [
    cell.name,
    cell.nest,
    cell.ioredis,
    node,
    cell.typescript,
    { module: 'ESM', commonjs: 'CommonJS', generated: 'ESM' }[cell.format],
    [cell.manager ?? 'npm', ...(cell.tool === 'node' ? [] : [cell.tool])].join(', '),
    server,
    problem === undefined ? 'yes' : 'no',
  ]);
  const all = [head, head.map(() => '-'), ...lines].map((line) => line.map(String));
  const widths = head.map((_, at) => Math.max(...all.map((line) => line[at].length)));
  return all
    .map((line) =>
      line.map((text, at) => text.padEnd(widths[at], text === '-' ? '-' : ' ')).join(' | '),
    )
    .map((line) => `| ${line} |`)
    .join('\n');
}

function writePage(text) {
  const marked = /(<!-- matrix -->\n)[^]*?(\n<!-- \/matrix -->)/;
  const before = readFileSync(page, 'utf8');
  writeFileSync(
    page,
    before.replace(marked, (_, open, close) => `${open}\n${text}\n${close}`),
  );
}
