const { POSTGRES } = require('./remedies.cjs');

/**
 * Set-up of the project whose tests use PostgreSQL: one server for the whole run, because a new one needs
 * most of a second. Each test file has a database of its own in it (`openDatabase` of postgres.ts). In a
 * run of chosen files, each file that needs a server starts it.
 */
module.exports = async function startSharedPostgres({ testPathPatterns }) {
  const isNeeded = process.env[POSTGRES.variable] === 'yes' && !testPathPatterns.isSet();
  if (!isNeeded || globalThis.sharedPostgres) return;
  require('./typescript-hook.cjs');
  const { startPostgres } = require('./postgres.ts');
  globalThis.sharedPostgres = await startPostgres();
  process.env.SHARED_POSTGRES = globalThis.sharedPostgres.url;
};
