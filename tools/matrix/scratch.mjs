/**
 * One cell in a folder of its own: the packed library and its peers installed by a package manager, a
 * consumer compiled by a compiler, and what runs it. Nothing of this repository is linked into it.
 */
import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const consumers = join(root, 'test/matrix/consumer');
const execute = promisify(execFile);

/** Versions that belong together. */
const NEST = {
  11: {
    '@nestjs/common': '^11.0.0',
    '@nestjs/core': '^11.0.0',
    '@nestjs/platform-express': '^11.0.0',
    '@nestjs/terminus': '^11.0.0',
    '@nestjs/config': '^4.0.0',
  },
  12: {
    '@nestjs/common': '^12.0.0',
    '@nestjs/core': '^12.0.0',
    '@nestjs/platform-express': '^12.0.0',
    '@nestjs/terminus': '^12.0.0',
    '@nestjs/config': '^12.0.0',
  },
};

const CORE = ['@nestjs/common', '@nestjs/core'];

/** Peers of the programs that use more than the cache. */
const PEERS = {
  'class-transformer': '^0.5.1',
  'class-validator': '^0.15.0',
  'prom-client': '^15.0.0',
  '@opentelemetry/api': '^1.9.0',
  msgpackr: '^2.1.3',
};

const TOOLS = {
  webpack: { webpack: '^5.100.0', 'source-map-loader': '^5.0.0' },
  esbuild: { esbuild: '^0.28.0' },
  vitest: { vitest: '^5.0.0', '@types/node': '^22.0.0' },
  'ts-jest': { jest: '^30.0.0', 'ts-jest': '^29.4.0' },
};

export class Scratch {
  folder = mkdtempSync(join(tmpdir(), 'matrix-'));
  #cell;
  #node;
  #environment;
  #settings;

  /**
   * @param cell one of cells.mjs
   * @param node the program that runs it
   * @param environment for all that runs
   */
  constructor(cell, node, environment) {
    this.#cell = cell;
    this.#node = node;
    this.#environment = environment;
  }

  remove() {
    rmSync(this.folder, { recursive: true, force: true });
  }

  async install(tarball) {
    const { nest, ioredis, typescript, manager = 'npm', program, tool, packages } = this.#cell;
    const isWhole = program === undefined;
    const nestPackages = Object.entries(NEST[nest]).filter(
      ([name]) => isWhole || CORE.includes(name),
    );
    if (this.#cell.generator) await this.#generate();
    const settings = this.#settingsOf();
    this.#settings = settings;
    this.write('package.json', {
      name: 'consumer',
      version: '1.0.0',
      private: true,
      ...(settings.type === 'module' && { type: 'module' }),
      dependencies: {
        ...Object.fromEntries(nestPackages),
        'nestjs-redis-data': `file:${tarball}`,
        ioredis,
        'reflect-metadata': '^0.2.0',
        rxjs: '^7.8.0',
        ...(isWhole && PEERS),
        ...packages,
        ...(program === 'two-formats' && { 'reports-library': 'file:./reports-library' }),
        typescript,
        '@types/node': '^20.19.0',
        ...TOOLS[tool],
      },
    });
    if (program === 'two-formats') this.#writeLibrary();
    await (manager === 'pnpm' ? this.#pnpm() : this.#npm());
  }

  /** Type-checks and compiles the library beside, if there is one, and the program. */
  async compile() {
    const program = this.#cell.program ?? 'app';
    cpSync(join(consumers, `${program}.ts`), join(this.folder, 'app.ts'));
    this.write('tsconfig.json', {
      ...this.#settings.tsconfig,
      include: undefined,
      files: ['app.ts'],
    });
    if (program === 'two-formats') await this.#tsc('reports-library');
    await this.#tsc('.');
  }

  /** Runs the program as the tool of the cell does, and returns what it said. */
  async run() {
    const ways = {
      node: () => this.node(this.#entry()),
      webpack: () => this.#webpack(),
      esbuild: () => this.#esbuild(),
      vitest: () => this.#vitest(),
      'ts-jest': () => this.#tsJest(),
    };
    const said = await ways[this.#cell.tool]();
    const [, report] = /^report: (.*)$/m.exec(said) ?? [];
    if (report === undefined) throw new Error(`no report in:\n${said}`);
    return { report: JSON.parse(report), said };
  }

  write(file, content) {
    const path = join(this.folder, file);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content, null, 2));
  }

  /** Runs a file of the folder with the Node of the cell. */
  node(...args) {
    return this.#run(this.#node, args);
  }

  async #webpack() {
    const entry = this.#entry();
    this.write('webpack.cjs', webpackProgram(entry));
    await this.node('webpack.cjs');
    return this.node('bundle/main.cjs');
  }

  async #esbuild() {
    const options = {
      entryPoints: [this.#entry()],
      outfile: 'bundle/main.mjs',
      bundle: true,
      platform: 'node',
      format: 'esm',
      external: NOT_BUNDLED.flatMap((name) => [name, `${name}/*`]),
      banner: {
        js: "import { createRequire as require_ } from 'node:module'; const require = require_(import.meta.url);",
      },
    };
    const program = `
      const { warnings } = await (await import('esbuild')).build(${JSON.stringify(options)});
      if (warnings.some(({ location }) => location?.file.includes('nestjs-redis-data'))) process.exit(1);`;
    this.write('esbuild.mjs', program);
    await this.node('esbuild.mjs');
    return this.node('bundle/main.mjs');
  }

  #vitest() {
    this.write('vitest.config.mjs', 'export default { test: { testTimeout: 30_000 } };');
    this.write('app.test.ts', `import { it } from 'vitest';\n${TEST}`);
    return this.node('node_modules/vitest/vitest.mjs', 'run');
  }

  #tsJest() {
    this.write(
      'jest.config.cjs',
      "module.exports = { testMatch: ['**/app.test.ts'], testTimeout: 30_000, transform: { '\\\\.ts$': ['ts-jest', { diagnostics: false }] } };",
    );
    this.write('app.test.ts', TEST);
    return this.node('node_modules/jest/bin/jest.js');
  }

  /** A file that runs the compiled program. */
  #entry() {
    const isModule = this.#settings.type === 'module';
    const load = isModule
      ? "import { check } from './out/app.js';"
      : "const { check } = require('./out/app.js');";
    const file = isModule ? 'main.mjs' : 'main.cjs';
    this.write(file, `${load}\n${RUN}`);
    return file;
  }

  async #tsc(folder) {
    const tsc = join(this.folder, 'node_modules/typescript/bin/tsc');
    await this.#run(process.execPath, [tsc, '-p', folder]);
  }

  #npm() {
    const flags = ['--no-audit', '--no-fund', '--prefer-offline', '--loglevel=error'];
    return this.#run('npm', ['install', ...flags]);
  }

  async #pnpm() {
    const { PNPM } = this.#environment;
    await this.#run(process.execPath, [PNPM, 'install', '--prefer-offline', '--reporter=silent']);
  }

  /** Lets the CLI write a new application, whose compiler options are taken over. */
  async #generate() {
    const { generator } = this.#cell;
    const args = ['--skip-install', '--skip-git', '--package-manager', 'npm', '--strict'];
    await this.#run('npx', ['--yes', '--prefer-offline', generator, 'new', 'generated', ...args]);
  }

  #settingsOf() {
    const { format, settings } = this.#cell;
    const own = {
      target: 'es2022',
      experimentalDecorators: true,
      emitDecoratorMetadata: true,
      strict: true,
      declaration: false,
      incremental: false,
      noEmit: false,
      rootDir: '.',
      outDir: './out',
      types: ['node'],
    };
    if (this.#cell.generator) {
      const text = readFileSync(join(this.folder, 'generated/tsconfig.json'), 'utf8');
      const { type } = JSON.parse(
        readFileSync(join(this.folder, 'generated/package.json'), 'utf8'),
      );
      rmSync(join(this.folder, 'generated'), { recursive: true });
      const { compilerOptions } = JSON.parse(text.replace(/^\s*\/\/.*$/gm, ''));
      return {
        type,
        tsconfig: { compilerOptions: { ...compilerOptions, ...settings, ...pick(own) } },
      };
    }
    const compilerOptions = { module: 'nodenext', skipLibCheck: true, ...own, ...settings };
    return { type: format === 'module' ? 'module' : undefined, tsconfig: { compilerOptions } };
  }

  #writeLibrary() {
    const { library } = this.#cell;
    const { tsconfig } = this.#settings;
    const compilerOptions = { ...tsconfig.compilerOptions, outDir: '.', declaration: true };
    cpSync(join(consumers, 'reports-library'), join(this.folder, 'reports-library'), {
      recursive: true,
    });
    this.write('reports-library/tsconfig.json', { compilerOptions, files: ['index.ts'] });
    this.write('reports-library/package.json', {
      name: 'reports-library',
      version: '1.0.0',
      ...(library === 'module' && { type: 'module' }),
      main: './index.js',
      types: './index.d.ts',
    });
  }

  async #run(program, args) {
    const options = {
      cwd: this.folder,
      env: { ...process.env, ...this.#environment, NODE_OPTIONS: '' },
      timeout: 300_000,
      maxBuffer: 64 * 1024 * 1024,
    };
    try {
      const { stdout, stderr } = await execute(program, args, options);
      return stdout + stderr;
    } catch (error) {
      const said = `${error.stdout ?? ''}${error.stderr ?? ''}`.trim();
      throw new Error(said === '' ? error.message : said, { cause: error });
    }
  }
}

/** Packages that a bundle leaves to Node. Ours, and the validators that it loads on demand, are inside. */
const NOT_BUNDLED = [
  '@nestjs/common',
  '@nestjs/config',
  '@nestjs/core',
  '@nestjs/terminus',
  '@opentelemetry/api',
  'ioredis',
  'js-redis-server',
  'msgpackr',
  'prom-client',
  'reflect-metadata',
  'rxjs',
];

/** Bundles, and fails also for a warning about the library, unless it is that of a package not installed. */
function webpackProgram(entry) {
  return `
const external = new RegExp('^(' + ${JSON.stringify(NOT_BUNDLED.join('|'))} + ')(/|$)');
const config = {
  mode: 'development',
  devtool: 'source-map',
  target: 'node',
  entry: './${entry}',
  output: { path: require('node:path').resolve('bundle'), filename: 'main.cjs' },
  module: { rules: [{ test: /\\.c?js$/, enforce: 'pre', include: /nestjs-redis-data/, use: 'source-map-loader' }] },
  externals: [({ request }, done) => (external.test(request) ? done(null, 'commonjs ' + request) : done())],
};
require('webpack')(config, (error, stats) => {
  const { errors, warnings } = stats?.toJson() ?? { errors: [error], warnings: [] };
  const ofOurs = warnings.filter(({ moduleName = '' }) => moduleName.includes('nestjs-redis-data'));
  const problems = [...errors, ...ofOurs.filter(({ message }) => !message.includes("Can't resolve"))];
  if (problems.length === 0) return;
  console.error(problems.map(({ moduleName, message }) => moduleName + ': ' + message).join('\\n'));
  process.exit(1);
});
`;
}

const RUN = `check().then(
  (report) => console.log('report: ' + JSON.stringify(report)),
  (error) => {
    console.error(error);
    process.exit(1);
  },
);
`;

const TEST = `import { check } from './app';
it('works', async () => {
  process.stdout.write('\\nreport: ' + JSON.stringify(await check()) + '\\n');
});
`;

/** Options of ours that a generated tsconfig must not change. */
function pick({ outDir, rootDir, declaration, incremental, noEmit, types }) {
  return { outDir, rootDir, declaration, incremental, noEmit, types };
}
