const findPostgres = require('./find-postgres.cjs');
const findPrometheus = require('./find-prometheus.cjs');
const findRealRedis = require('./find-real-redis.cjs');

/** Finds the programs that some tests need, before Jest collects tests. */
module.exports = async function prepare() {
  await findRealRedis();
  findPostgres();
  findPrometheus();
};
