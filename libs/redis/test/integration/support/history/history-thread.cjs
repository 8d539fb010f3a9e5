/** A thread of a history: see history-worker.ts. */
require('reflect-metadata');
require('../../../../../../test/support/typescript-hook.cjs');
const { workerData, parentPort } = require('node:worker_threads');
const { runWorker } = require('./history-worker.ts');

runWorker(workerData, parentPort).catch((error) => {
  throw error;
});
