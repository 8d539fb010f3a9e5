/**
 * A process of its own that uses a cache while its server is frozen and killed, and then has nothing
 * more to do: Node ends it, unless something is left that keeps it alive, and with an error if a
 * promise was rejected that nobody watched. Prints where the values came from, as JSON.
 *
 * Usage: `node cache-in-child.cjs <port> <process id of the server>`
 */
require('reflect-metadata');
require('../../../../../test/support/typescript-hook.cjs');
const { useCacheInOutage } = require('./use-cache-in-outage.ts');

const [port, pid] = process.argv.slice(2).map(Number);

useCacheInOutage(port, pid).then(
  (seen) => process.stdout.write(`${JSON.stringify(seen)}\n`),
  (error) => {
    process.stderr.write(`${error.stack}\n`);
    process.exitCode = 1;
  },
);
