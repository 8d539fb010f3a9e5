import type { Cluster } from 'ioredis';
import type { RedisAddress } from '../../options/options.js';
import type { ClusterInternals } from '../internals.js';

type Starting = Pick<ClusterInternals, 'startupNodes'>;

/**
 * Makes a cluster client that has lost all its connections try the nodes that it knew last, too: the
 * configured ones may be gone, or their names. The two take turns, and a name that could not be resolved
 * is left out until something else fails, because it would fail all others. Clients that are duplicated
 * from this one know what it knows.
 *
 * @internal
 */
export function tryLastKnownNodes(cluster: Cluster, configured: readonly RedisAddress[]): void {
  const { clusterRetryStrategy: delayBefore } = cluster.options;
  if (!delayBefore) return;
  let known: readonly RedisAddress[] = [];
  const unresolved = new Set<string>();
  cluster.on('refresh', () => {
    known = nodesOf(cluster);
  });
  // ioredis calls it as a method of the cluster.
  cluster.options.clusterRetryStrategy = function (this: Starting, attempt, reason) {
    const { hostname } = (reason ?? {}) as { hostname?: string }; // that Node could not resolve
    if (hostname === undefined) unresolved.clear();
    else unresolved.add(hostname);
    const isTurnOfKnown = attempt % 2 === 1 && known.length > 0;
    const resolved = configured.filter(({ host }) => !unresolved.has(host));
    if (isTurnOfKnown) this.startupNodes = [...known];
    else this.startupNodes = resolved.length > 0 ? resolved : [...configured];
    return delayBefore.call(this, attempt, reason);
  };
}

/**
 * The nodes that a cluster client knows; none while it is not connected.
 *
 * @internal
 */
export function nodesOf(cluster: Cluster): RedisAddress[] {
  return cluster.nodes().map(({ options: { host = '', port = 0 } }) => ({ host, port }));
}
