/** A process whose callers all ask for one key: see cold-key.ts. */
require('reflect-metadata');
require('../../../../../test/support/typescript-hook.cjs');
const { askInChild } = require('./cold-key.ts');

const [port, callers, loadMs] = process.argv.slice(2).map(Number);
askInChild({ port, callers, loadMs }).catch((error) => {
  process.stderr.write(`${error.stack}\n`);
  process.exit(1);
});
