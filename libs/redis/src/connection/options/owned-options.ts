const DECIDED = 'no value: the library decides it';
const UNREAD = 'no value: ioredis does not read it';
const NO_AUTO_PIPELINING = 'no value: commands of one tick are written together anyway';

/** Options of ioredis that this library decides, or that ioredis does not read, and what to use instead. */
export const INSTEAD = {
  autoPipeliningIgnoredCommands: NO_AUTO_PIPELINING,
  commandQueue: UNREAD,
  commandTimeout: "the option 'commandTimeout'",
  connectTimeout: "the option 'connectTimeout'",
  db: "the option 'db'",
  enableAutoPipelining: NO_AUTO_PIPELINING,
  enableTLSForSentinelMode: "the option 'tls'",
  host: "the option 'host'",
  keyPrefix: "the option 'app': KeyBuilder is the only owner of prefixes",
  lazyConnect: DECIDED,
  maxRetriesPerRequest: "the option 'maxRetriesPerRequest'",
  monitor: 'no value: client.monitor() gives a connection that monitors',
  name: "the option 'sentinelName'",
  offlineQueue: UNREAD,
  password: "the option 'password'",
  path: "the option 'path'",
  port: "the option 'port'",
  replyMapping: DECIDED,
  sentinelPassword: "the option 'sentinelPassword'",
  sentinelTLS: "the option 'sentinelTls'",
  sentinelUsername: "the option 'sentinelUsername'",
  sentinels: "the option 'sentinels'",
  stringNumbers: 'no value: repositories and batches need numbers as numbers, not as texts',
  tls: "the option 'tls'",
  username: "the option 'username'",
} as const;

/** The same for the options of a cluster. */
export const INSTEAD_IN_CLUSTER = {
  autoPipeliningIgnoredCommands: NO_AUTO_PIPELINING,
  enableAutoPipelining: NO_AUTO_PIPELINING,
  keyPrefix: INSTEAD.keyPrefix,
  lazyConnect: DECIDED,
  redisOptions: "the option 'ioredis', and those of this library",
  replyMapping: DECIDED,
} as const;

export type OwnedOption = keyof typeof INSTEAD;
export type OwnedClusterOption = keyof typeof INSTEAD_IN_CLUSTER;
