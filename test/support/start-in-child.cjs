/**
 * Starts a server in a separate process, which tests can kill, and prints one JSON line.
 *
 * Usage: `node start-in-child.cjs startRedis`, `startEmbedded`, `startPrometheus`, `startPostgres`, or `resolveRedis <data directory>`
 */
require('./typescript-hook.cjs');
const { startRedis } = require('../../libs/redis/src/testing/index.ts');
const { resolveRedis } = require('../../libs/redis/src/embedded/index.ts');
const { EmbeddedTestServer } = require('../../libs/redis/src/testing/embedded-test-server.ts');
const { startPostgres } = require('./postgres.ts');
const { startPrometheus } = require('./prometheus.ts');

const [what, dataDirectory] = process.argv.slice(2);

const starts = {
  startRedis: () => startRedis(),
  startEmbedded: () => EmbeddedTestServer.start(),
  startPrometheus: () => startPrometheus('127.0.0.1:9'), // discard: nothing is to be scraped
  startPostgres: () => startPostgres(),
  resolveRedis: () => resolveRedis(process.env, { dataDirectory }),
};

async function main() {
  const server = await starts[what]();
  const { pid, source, url } = server;
  process.stdout.write(`${JSON.stringify({ pid, source, url })}\n`);
  process.on('SIGTERM', () => void server.stop());
  process.stdin.resume(); // lives until its input ends
}

void main();
