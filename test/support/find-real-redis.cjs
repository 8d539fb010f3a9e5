/**
 * Part of Jest's global set-up: finds the real Redis server once, for all workers.
 *
 * Sets REAL_REDIS to `yes` or `no` and REAL_REDIS_VERSION (see real-redis.ts), and REDIS_SERVER_BIN so that no
 * worker has to search again. With REQUIRE_REAL_REDIS=1, as in CI, a machine without a server fails the run here.
 */
require('./typescript-hook.cjs');
const { findServerBinary } = require('../../libs/redis/src/embedded/find-server-binary.ts');
const { REAL_REDIS } = require('./remedies.cjs');

module.exports = async function findRealRedis() {
  const { binary, tried } = await findServerBinary(process.env);
  process.env[REAL_REDIS.variable] = binary === undefined ? 'no' : 'yes';
  if (binary !== undefined) {
    process.env.REDIS_SERVER_BIN = binary.path;
    process.env.REAL_REDIS_VERSION = binary.version;
    return;
  }
  if (process.env.REQUIRE_REAL_REDIS !== '1') return;
  throw new Error(
    `REQUIRE_REAL_REDIS=1, but there is no real Redis server: ${tried.join('; ')}.\n${REAL_REDIS.remedy}`,
  );
};
