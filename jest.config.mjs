/**
 * Tests run as CommonJS with no Node flags (see docs/adr): @swc/jest transpiles our TypeScript and the
 * ESM-only packages below. The built ESM and CommonJS files are smoke-tested separately.
 */
const esmOnlyPackages = [
  '@nestjs',
  'file-type',
  'load-esm',
  'strtok3',
  'token-types',
  'uint8array-extras',
  '@tokenizer',
  '@borewit',
  'js-redis-server',
  'lua-redis-wasm',
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

const project = (displayName, testMatch, more = {}) => ({
  displayName,
  testMatch,
  rootDir: import.meta.dirname,
  testEnvironment: 'node',
  transform: {
    '\\.ts$': swc({ syntax: 'typescript', decorators: true }),
    '\\.m?js$': swc({ syntax: 'ecmascript' }),
  },
  transformIgnorePatterns: [`/node_modules/(?!(${esmOnlyPackages.join('|')})/)`],
  moduleNameMapper: {
    '^nestjs-redis-data$': '<rootDir>/libs/redis/src/index.ts',
    '^nestjs-redis-data/(\\w+)$': '<rootDir>/libs/redis/src/$1/index.ts',
    '^(\\.{1,2}/.*)\\.js$': '$1',
  },
  modulePathIgnorePatterns: ['<rootDir>/dist/', '<rootDir>/libs/redis/dist/'],
  ...more,
});

export default {
  projects: [
    project('unit', ['<rootDir>/{libs,apps}/**/src/**/*.spec.ts']),
    project('integration', ['<rootDir>/libs/redis/test/integration/**/*.int-spec.ts']),
    project('e2e', ['<rootDir>/test/**/*.e2e-spec.ts']),
  ],
  coverageProvider: 'v8',
  collectCoverageFrom: ['libs/redis/src/**/*.ts', 'apps/users/src/**/*.ts', '!**/*.spec.ts', '!**/main.ts'],
};
