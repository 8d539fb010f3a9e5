/**
 * A process that uses a cache while its server is frozen and killed, and then has no more work. Node ends
 * it, unless an open handle keeps it alive; with an error after an unhandled rejection. Prints the sources
 * of the values as JSON.
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
