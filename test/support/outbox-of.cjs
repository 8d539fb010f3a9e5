/** What a client has not been able to invalidate yet: the library tells nobody, and an oracle has to know. */
const { Outbox } = require('../../libs/redis/src/cache/outage/outbox.ts');

module.exports = (client) => Outbox.of(client);
