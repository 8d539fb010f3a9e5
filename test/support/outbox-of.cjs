/** Lists the invalidations that a client could not send yet: an oracle must know them, and the library does not tell. */
const { Outbox } = require('../../libs/redis/src/cache/outage/outbox.ts');
const { connectionOf } = require('../../libs/redis/src/connection/connection.ts');

module.exports = (client) => connectionOf(client).part(Outbox);
