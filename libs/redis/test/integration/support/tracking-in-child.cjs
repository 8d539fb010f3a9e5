/**
 * A process of its own that tracks keys, and then ends its client, or lets go of it, without a word to the
 * tracking. Ends by itself unless something is left that keeps it alive.
 *
 * Usage: `node tracking-in-child.cjs <url> ends|lets-go`
 */
require('reflect-metadata');
require('../../../../../test/support/typescript-hook.cjs');
const { track } = require('./tracked.ts');

const main = async () => {
  const [url, how] = process.argv.slice(2);
  const { armed, client } = await track({ url });
  await armed();
  if (how === 'ends') client.disconnect();
  else client.stream.unref();
};

main().catch((error) => {
  process.stderr.write(`${error.stack}\n`);
  process.exitCode = 1;
});
