const findRealRedis = require('./find-real-redis.cjs');
const { REAL_REDIS } = require('./remedies.cjs');

/**
 * Set-up of the projects whose tests use a cluster: one cluster for the whole run, because a new one
 * needs two seconds before it accepts writes. Every test has its own keys in it
 * (libs/redis/test/integration/support/repository-servers.ts). A run of selected files has none: each
 * file starts its own cluster.
 */
module.exports = async function startSharedCluster({ testPathPatterns }) {
  if (testPathPatterns.isSet() || globalThis.sharedCluster) return;
  await findRealRedis(); // Jest runs the set-up of a project before that of all projects
  if (process.env[REAL_REDIS.variable] !== 'yes') return;
  require('./typescript-hook.cjs');
  const { startCluster } = require('../../libs/redis/src/testing/index.ts');
  globalThis.sharedCluster = await startCluster({ replicas: false });
  const nodes = globalThis.sharedCluster.nodes.map(({ host, port }) => ({ host, port }));
  process.env.SHARED_CLUSTER = JSON.stringify(nodes);
};
