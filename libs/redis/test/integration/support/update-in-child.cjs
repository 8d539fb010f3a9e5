/**
 * A process of its own that updates shared entities: each of its updates adds one to the counter of an
 * entity that it picks by chance. Prints how many it made of each, as JSON.
 *
 * Usage: `node update-in-child.cjs <port> <updates> <entities> <seed>`
 */
require('reflect-metadata');
require('../../../../../test/support/typescript-hook.cjs');
const { updateCounters } = require('./update-counters.ts');

const [port, updates, entities, seed] = process.argv.slice(2).map(Number);

updateCounters({ port, updates, entities, seed }).then(
  (made) => process.stdout.write(`${JSON.stringify(made)}\n`),
  (error) => {
    process.stderr.write(`${error.stack}\n`);
    process.exitCode = 1;
  },
);
