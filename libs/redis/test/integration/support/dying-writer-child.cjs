/** A process that is killed while it makes a change: see dying-writer.ts. */
require('reflect-metadata');
require('../../../../../test/support/typescript-hook.cjs');
const { changeInChild } = require('./dying-writer.ts');

changeInChild(JSON.parse(process.argv[2])).catch((error) => {
  process.stderr.write(`${error.stack}\n`);
  process.exit(1);
});
