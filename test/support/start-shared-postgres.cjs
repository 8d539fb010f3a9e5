const findPostgres = require('./find-postgres.cjs');
const { POSTGRES } = require('./remedies.cjs');

/**
 * Set-up of the project whose tests use PostgreSQL: one server for the whole run, because a new one needs
 * most of a second. Each test file has its own database in it (`openDatabase` of test-database.ts). In a run of
 * selected files, each file that needs a server starts it.
 */
module.exports = async function startSharedPostgres({ testPathPatterns }) {
  if (testPathPatterns.isSet() || globalThis.sharedPostgres) return;
  findPostgres(); // Jest runs the set-up of a project before that of all projects
  if (process.env[POSTGRES.variable] !== 'yes') return;
  require('./typescript-hook.cjs');
  const { startPostgres } = require('./postgres.ts');
  globalThis.sharedPostgres = await startPostgres();
  process.env.SHARED_POSTGRES = globalThis.sharedPostgres.url;
};
