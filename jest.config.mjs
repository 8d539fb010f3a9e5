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

const project = (displayName, testMatch, modules = {}) => ({
  displayName,
  testMatch,
  rootDir: import.meta.dirname,
  testEnvironment: '<rootDir>/test/support/node-environment.cjs',
  transform: {
    '\\.ts$': swc({ syntax: 'typescript', decorators: true }),
    '\\.m?js$': swc({ syntax: 'ecmascript' }),
  },
  transformIgnorePatterns: [`/node_modules/(?!(${esmOnlyPackages.join('|')})/)`],
  moduleNameMapper: {
    '^nestjs-redis-data$': '<rootDir>/libs/redis/src/index.ts',
    '^nestjs-redis-data/(\\w+)$': '<rootDir>/libs/redis/src/$1/index.ts',
    '^js-redis-server/core$': '<rootDir>/test/support/js-redis-server.cjs',
    '^(\\.{1,2}/.*)\\.js$': '$1',
    ...modules,
  },
  modulePathIgnorePatterns: ['<rootDir>/dist/', '<rootDir>/libs/redis/dist/'],
});

const typeOnly = process.argv.includes('--coverage')
  ? (await import('./test/support/type-only-sources.mjs')).typeOnlySources([
      'libs/redis/src',
      'apps/users/src',
    ])
  : [];

export default {
  // Jest would leave one core idle, which on two cores is half of them.
  maxWorkers: '100%',
  projects: [
    project('unit', ['<rootDir>/{libs,apps}/**/src/**/*.spec.ts']),
    project('integration', ['<rootDir>/libs/redis/test/integration/**/*.int-spec.ts']),
    // The same tests of everything that touches the driver, on the other major version we accept.
    project(
      'ioredis 5',
      [
        '<rootDir>/libs/redis/test/integration/{batch,cache,connection,error,exception,health,metrics,pool,redis,repository-contract,repository-failover,repository-reads,repository-versions,tracing-commands,tracing-failures,tracing-slowly}*.ts',
      ],
      { '^ioredis$': 'ioredis-5' },
    ),
    project('e2e', ['<rootDir>/test/**/*.e2e-spec.ts']),
    project('house', ['<rootDir>/test/house/**/*.house-spec.ts']),
  ],
  globalSetup: '<rootDir>/test/support/global-setup.cjs',
  reporters: ['default', '<rootDir>/test/support/skip-reporter.cjs'],
  coverageProvider: 'v8',
  collectCoverageFrom: [
    '{libs/redis,apps/users}/src/**/*.ts',
    '!**/*.spec.ts',
    '!**/main.ts', // runs in the smoke tests, in a process of its own
    ...typeOnly.map((file) => `!${file}`),
  ],
  coverageReporters: [['text', { skipFull: true }], 'text-summary', 'lcov'],
  // What has no threshold of its own, the sample, falls under the global one.
  coverageThreshold: {
    global: { statements: 80, branches: 80, functions: 80, lines: 80 },
    './libs/redis/src/': { statements: 95, branches: 95, functions: 95, lines: 95 },
  },
};
