import { availableParallelism } from 'node:os';

/**
 * Tests run as CommonJS with no Node flags (see docs/adr): @swc/jest transpiles our TypeScript and the
 * ESM-only packages below. The built ESM and CommonJS files are smoke-tested separately.
 */
const esmOnlyPackages = [
  '@nestjs',
  'content-disposition',
  'file-type',
  'load-esm',
  'strtok3',
  'token-types',
  'uint8array-extras',
  '@tokenizer',
  '@borewit',
];

const swc = (parser) => [
  '@swc/jest',
  {
    module: { type: 'commonjs' },
    jsc: {
      target: 'es2022',
      parser,
      keepClassNames: true,
      transform: {
        legacyDecorator: true,
        decoratorMetadata: true,
        useDefineForClassFields: true,
      },
    },
  },
];

const project = (displayName, testMatch, { modules = {}, shared } = {}) => ({
  displayName,
  testMatch,
  rootDir: import.meta.dirname,
  testEnvironment: 'node',
  transform: {
    '\\.c?ts$': swc({ syntax: 'typescript', decorators: true }),
    '\\.m?js$': swc({ syntax: 'ecmascript' }),
  },
  transformIgnorePatterns: [`/node_modules/(?!(${esmOnlyPackages.join('|')})/)`],
  moduleNameMapper: {
    '^nestjs-redis-data$': '<rootDir>/libs/redis/src/index.ts',
    '^nestjs-redis-data/(\\w+)$': '<rootDir>/libs/redis/src/$1/index.ts',
    '^(\\.{1,2}/.*)\\.js$': '$1',
    '^(\\.{1,2}/.*)\\.cjs$': ['$1.cts', '$1.cjs'],
    ...modules,
  },
  modulePathIgnorePatterns: ['<rootDir>/dist/', '<rootDir>/libs/redis/dist/'],
  ...(shared && {
    globalSetup: `<rootDir>/test/support/start-shared-${shared}.cjs`,
    globalTeardown: `<rootDir>/test/support/stop-shared-${shared}.cjs`,
  }),
});

const integration = '<rootDir>/libs/redis/test/integration';

/** Suites of the driver: its connections, commands and errors, and one contract on each topology. */
const driverTests = [
  'batch',
  'batch-cluster',
  'connection',
  'connection-announcements',
  'connection-cluster-recovery',
  'connection-credentials',
  'connection-driver-internals',
  'connection-driver-options',
  'connection-failover',
  'connection-interrupted',
  'connection-replies',
  'connection-silent',
  'error-translation',
  'pool',
  'repository-contract',
  'repository-contract-cluster',
  'tracing-commands',
  'tracing-slowly',
  'tracking',
  'tracking-cluster',
  'tracking-faults',
  'tracking-servers',
];

const measuresCoverage = process.argv.includes('--coverage');
const typeOnly = measuresCoverage
  ? (await import('./test/support/type-only-sources.mjs')).typeOnlySources(['libs/redis/src'])
  : [];

export default {
  // Tests mostly wait: for a server, an outage or an expiry. Other tests can run meanwhile.
  maxWorkers: availableParallelism() + 4,
  testSequencer: '<rootDir>/test/support/longest-first.cjs',
  // V8 also reports all files that a worker has run before: old workers are slow.
  ...(measuresCoverage && { workerIdleMemoryLimit: '300MB' }),
  // A hanging test fails; a slow one on a busy machine does not.
  testTimeout: 60_000,
  // Cases that wait for an expiry run side by side.
  maxConcurrency: 20,
  projects: [
    project('unit', ['<rootDir>/{libs,apps}/**/src/**/*.spec.ts']),
    project('integration', [`${integration}/**/*.int-spec.ts`], { shared: 'cluster' }),
    // The other major version that the library accepts.
    project('ioredis 5', [`${integration}/{${driverTests.join()}}.int-spec.ts`], {
      modules: { '^ioredis$': 'ioredis-5' },
      shared: 'cluster',
    }),
    project('e2e', ['<rootDir>/test/**/*.e2e-spec.ts'], { shared: 'postgres' }),
    project('rules', ['<rootDir>/test/rules/**/*.rules-spec.ts']),
  ],
  globalSetup: '<rootDir>/test/support/global-setup.cjs',
  reporters: ['default', '<rootDir>/test/support/skip-reporter.cjs'],
  coverageProvider: 'v8',
  collectCoverageFrom: [
    'libs/redis/src/**/*.ts',
    '!**/*.spec.ts',
    ...typeOnly.map((file) => `!${file}`),
  ],
  coverageReporters: [['text', { skipFull: true }], 'text-summary', 'lcov'],
  coverageThreshold: {
    global: { statements: 95, branches: 95, functions: 95, lines: 95 },
  },
};
