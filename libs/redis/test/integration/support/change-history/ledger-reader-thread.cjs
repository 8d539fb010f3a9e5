/** A thread of readers: see ledger-reader.ts. */
require('reflect-metadata');
require('../../../../../../test/support/typescript-hook.cjs');
const { workerData, parentPort } = require('node:worker_threads');
const { runReader } = require('./ledger-reader.ts');

runReader(workerData, parentPort).catch((error) => {
  throw error;
});
