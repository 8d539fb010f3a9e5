/**
 * Why a connection is degraded, i.e. only partly usable. These messages contain no names and no numbers,
 * because every reader of a health report sees them.
 */
export const REASONS = {
  memory: 'the memory is nearly full',
  replica: 'connected to a replica, not to a primary',
  replicaAlone: 'the replica has lost its primary, and its data may be old',
  notSaving: 'writes are refused, because the data could not be saved',
  serversAway: 'some primaries of the cluster are not connected, or do not answer',
  slots: 'some hash slots of the cluster are not served',
  failedNodes: 'a node of the cluster has failed',
  near: 'a near copy is off, because it does not hear what changes in Redis',
  caches: 'a cache bypasses Redis, because Redis did not answer',
} as const;

export type Reason = keyof typeof REASONS;

/** Why a connection is down although the server answers, by the first word of its error reply. */
export const REFUSALS = {
  BUSY: 'busy with a script',
  CLUSTERDOWN: 'the cluster is down',
  LOADING: 'loading its data',
  MASTERDOWN: 'a replica that has lost its primary',
  NOAUTH: 'the credentials were refused',
} as const;

/** Why a connection is down without an answer, or for a reason that only the log names. */
export const OUTAGES = {
  /** Followed by the state of the client. */
  notConnected: 'not connected',
  noPrimary: 'no primary is connected',
  late: 'no answer in time',
  other: 'the ping failed',
} as const;

/** A part of the report that is left out if an ACL forbids it or the server does not tell it. */
export type Check = 'memory' | 'replication' | 'cluster';
