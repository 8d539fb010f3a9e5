/**
 * A process of its own for tests that kill it: starts a Redis as told and prints one JSON line.
 *
 * Usage: `node start-in-child.cjs startRedis`, or `resolveRedis <data directory>`
 */
require('./typescript-hook.cjs');
const { startRedis } = require('../../libs/redis/src/testing/index.ts');
const { resolveRedis } = require('../../libs/redis/src/embedded/index.ts');

const [what, dataDirectory] = process.argv.slice(2);

async function main() {
  const server =
    what === 'startRedis' ? await startRedis() : await resolveRedis(process.env, { dataDirectory });
  const { pid, source, url } = server;
  process.stdout.write(`${JSON.stringify({ pid, source, url })}\n`);
  process.on('SIGTERM', () => void server.stop());
  process.stdin.resume(); // lives until its input ends
}

void main();
