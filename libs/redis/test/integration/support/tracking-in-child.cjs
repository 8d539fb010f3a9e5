/**
 * A process of its own that tracks keys, and then ends its client without a word to the tracking. Ends by
 * itself unless something is left that keeps it alive.
 *
 * Usage: `node tracking-in-child.cjs <url>`
 */
require('reflect-metadata');
require('../../../../../test/support/typescript-hook.cjs');
const { track } = require('./tracked.ts');

const main = async () => {
  const tracked = await track({ url: process.argv[2] });
  await tracked.armed();
  tracked.client.disconnect();
};

main().catch((error) => {
  process.stderr.write(`${error.stack}\n`);
  process.exitCode = 1;
});
