/**
 * Runs the users API in a separate process, with the given environment. Prints its port, stops orderly on
 * SIGTERM, and ends with the process that started it.
 */
require('./from-sources.cjs');
const { startApplication } = require('../../apps/users/src/application.ts');

process.once('disconnect', () => process.exit());
startApplication().then(
  (app) => {
    process.once('SIGTERM', () => void app.close().then(() => process.exit()));
    process.send({ port: app.getHttpServer().address().port });
  },
  (error) => {
    process.stderr.write(`${error.stack}\n`);
    process.exit(1);
  },
);
