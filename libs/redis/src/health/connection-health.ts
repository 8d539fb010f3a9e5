import type { RedisClient } from '../connection/options/options.js';
import { connectionOf } from '../connection/connection.js';
import { explainFailure } from '../connection/driver/failures/explain-failure.js';
import { down, type Down } from './findings.js';
import type { ResolvedHealthOptions } from './health-options.js';
import { OUTAGES, REASONS } from './health-words.js';
import { lookAtCluster } from './look-at-cluster.js';
import { lookAtServer } from './look-at-server.js';

/** How a connection is, with what stands in the report. */
export type ConnectionHealth =
  Down | { readonly state: 'up' | 'degraded'; readonly details: Readonly<Record<string, unknown>> };

/**
 * Looks at a connection: one round trip to its server, in a cluster to each primary at the same time.
 * Takes no longer than the deadline, and never rejects.
 *
 * @param bypassedCaches the caches that leave Redis alone at the moment
 */
export async function lookAt(
  client: RedisClient,
  options: ResolvedHealthOptions,
  bypassedCaches: readonly string[],
): Promise<ConnectionHealth> {
  if (client.status !== 'ready') return notConnected(client);
  const looking =
    'nodes' in client ? lookAtCluster(client, options) : lookAtServer(client, options);
  const findings = await looking;
  if ('state' in findings) return findings;
  const { facts, notChecked } = findings;
  const reasons = findings.reasons.map((reason) => REASONS[reason]);
  if (bypassedCaches.length > 0) reasons.push(REASONS.caches);
  const details = {
    ...facts,
    ...(bypassedCaches.length > 0 && { bypassedCaches }),
    ...(notChecked.length > 0 && { notChecked }),
    ...(reasons.length > 0 && { reasons }),
  };
  return { state: reasons.length > 0 ? 'degraded' : 'up', details };
}

/** The code is one of the system, of OpenSSL or of Redis: it names no host, no user and no key. */
function notConnected(client: RedisClient): Down {
  const failure = connectionOf(client).failures.worst;
  const code = failure && explainFailure(failure).code;
  const state = code === undefined ? client.status : `${client.status}, ${code}`;
  return down(`${OUTAGES.notConnected} (${state})`);
}
