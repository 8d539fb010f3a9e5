/**
 * Smoke tests look at what is shipped: the built application and the packed library, each in its own
 * process. They have a configuration of their own because they build first: `npm run smoke`.
 */
import everything from '../../jest.config.mjs';

const { transform, transformIgnorePatterns, moduleNameMapper } = everything.projects[0];

export default {
  displayName: 'smoke',
  rootDir: '../..',
  testMatch: ['<rootDir>/test/smoke/**/*.smoke-spec.ts'],
  testEnvironment: 'node',
  transform,
  transformIgnorePatterns,
  moduleNameMapper,
  modulePathIgnorePatterns: ['<rootDir>/dist/', '<rootDir>/libs/redis/dist/'],
  globalSetup: '<rootDir>/test/smoke/support/global-setup.mjs',
  reporters: everything.reporters,
  testTimeout: 60_000,
};
