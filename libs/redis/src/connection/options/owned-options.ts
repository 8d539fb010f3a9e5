import type { OptionReader } from './option-reader.js';

const DECIDED = 'no value: the library decides it';

/** Options of ioredis that this library decides, and what to use instead. */
const INSTEAD = {
  commandTimeout: "the option 'commandTimeout'",
  connectTimeout: "the option 'connectTimeout'",
  db: "the option 'db'",
  enableAutoPipelining: DECIDED,
  enableTLSForSentinelMode: "the option 'tls'",
  host: "the option 'host'",
  keyPrefix: "the option 'app': KeyBuilder is the only owner of prefixes",
  lazyConnect: DECIDED,
  maxRetriesPerRequest: "the option 'maxRetriesPerRequest'",
  name: "the option 'sentinelName'",
  password: "the option 'password'",
  path: "the option 'path'",
  port: "the option 'port'",
  replyMapping: DECIDED,
  sentinelPassword: "the option 'sentinelPassword'",
  sentinelTLS: "the option 'sentinelTls'",
  sentinelUsername: "the option 'sentinelUsername'",
  sentinels: "the option 'sentinels'",
  stringNumbers: 'no value: repositories and batches need numbers for numbers',
  tls: "the option 'tls'",
  username: "the option 'username'",
} as const;

const INSTEAD_IN_CLUSTER = {
  enableAutoPipelining: DECIDED,
  keyPrefix: INSTEAD.keyPrefix,
  lazyConnect: DECIDED,
  redisOptions: "the option 'ioredis', and those of this library",
  replyMapping: DECIDED,
} as const;

export type OwnedOption = keyof typeof INSTEAD;
export type OwnedClusterOption = keyof typeof INSTEAD_IN_CLUSTER;

/**
 * The types forbid them; JavaScript and casts do not. One that is silently replaced would be TLS or a
 * password that somebody believes in.
 *
 * @internal
 */
export function refuseOwned(
  { ioredis, ioredisCluster }: { readonly ioredis?: unknown; readonly ioredisCluster?: unknown },
  read: OptionReader,
): void {
  refuse('ioredis', ioredis, INSTEAD, read);
  refuse('ioredisCluster', ioredisCluster, INSTEAD_IN_CLUSTER, read);
}

function refuse(
  setting: string,
  given: unknown,
  instead: Readonly<Record<string, string>>,
  read: OptionReader,
): void {
  if (typeof given !== 'object' || given === null) return;
  for (const [name, value] of Object.entries(given)) {
    const accepted = Object.hasOwn(instead, name) ? instead[name] : undefined;
    const isDefault = name === 'stringNumbers' && value === false;
    if (accepted === undefined || value === undefined || isDefault) continue;
    read.refuseSecret(`${setting}.${name}`, accepted);
  }
}
