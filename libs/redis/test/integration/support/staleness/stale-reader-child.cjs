/** A process that reads from a near copy: see stale-reader.ts. */
require('reflect-metadata');
require('../../../../../../test/support/typescript-hook.cjs');
const { readInChild } = require('./stale-reader.ts');

readInChild(JSON.parse(process.argv[2])).catch((error) => {
  process.stderr.write(`${error.stack}\n`);
  process.exit(1);
});
