/** What a client has not been able to invalidate yet: the library does not tell it, and an oracle has to know. */
const { Outbox } = require('../../libs/redis/src/cache/outage/outbox.ts');

module.exports = (client) => Outbox.of(client);
