/**
 * Exports js-redis-server as Node itself loads it. Its Lua engine uses a dynamic `import()`, which Jest's
 * sandbox does not support: EVAL would never answer.
 */
module.exports = globalThis.requireOutsideOfJest('js-redis-server/core');
