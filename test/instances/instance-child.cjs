/**
 * Runs one instance of the users API in a separate process. Each answer has the number of invalidations
 * that Redis has not acknowledged yet in `x-outbox`: the changes of the process are released when it is 0.
 * Prints its port, and ends with the process that started it.
 */
require('../chaos/from-sources.cjs');
const { getRedisToken } = require('nestjs-redis-data');
const { startApplication } = require('../../apps/users/src/application.ts');
const outboxOf = require('../support/outbox-of.cjs');

process.once('disconnect', () => process.exit());
startApplication().then(
  (app) => {
    const outbox = outboxOf(app.get(getRedisToken(), { strict: false }));
    const server = app.getHttpServer();
    server.prependListener('request', (request, response) => {
      const writeHead = response.writeHead.bind(response);
      response.writeHead = (...head) => {
        response.setHeader('x-outbox', String(outbox.size));
        return writeHead(...head);
      };
    });
    process.once('SIGTERM', () => void app.close().then(() => process.exit()));
    process.send({ port: server.address().port });
  },
  (error) => {
    process.stderr.write(`${error.stack}\n`);
    process.exit(1);
  },
);
