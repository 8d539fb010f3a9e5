/** Stops what start-shared-cluster.cjs has started. */
module.exports = async function stopSharedCluster() {
  await globalThis.sharedCluster?.stop();
  globalThis.sharedCluster = undefined;
};
