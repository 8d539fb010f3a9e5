/** A process that loads for as long as its parent wants it to: see lease-holder.ts. */
require('reflect-metadata');
require('../../../../../test/support/typescript-hook.cjs');
const { holdInChild } = require('./lease-holder.ts');

const [environment, ...entries] = process.argv.slice(2);
holdInChild(environment, entries).catch((error) => {
  process.stderr.write(`${error.stack}\n`);
  process.exit(1);
});
