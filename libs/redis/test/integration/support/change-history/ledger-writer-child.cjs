/** A process of writers: see ledger-writer.ts. */
require('reflect-metadata');
require('../../../../../../test/support/typescript-hook.cjs');
const { runWriter } = require('./ledger-writer.ts');

const [addresses, seed, announcedMs] = process.argv.slice(2);
runWriter(JSON.parse(addresses), Number(seed), Number(announcedMs)).catch((error) => {
  process.stderr.write(`${error.stack}\n`);
  process.exit(1);
});
