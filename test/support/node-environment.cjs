const { TestEnvironment } = require('jest-environment-node');

/**
 * Node's environment, plus a way out of Jest's sandbox for code that cannot run in it (see
 * js-redis-server.cjs). Jest loads this file outside, so its `require` is Node's own.
 */
module.exports = class extends TestEnvironment {
  async setup() {
    await super.setup();
    this.global.requireOutsideOfJest = require;
  }
};
