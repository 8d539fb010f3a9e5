/** Stops what start-shared-postgres.cjs has started. */
module.exports = async function stopSharedPostgres() {
  await globalThis.sharedPostgres?.stop();
  globalThis.sharedPostgres = undefined;
};
