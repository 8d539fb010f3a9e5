import { OptionReader } from '../connection/options/option-reader.js';
import type { Duration } from '../time/duration.js';

/** What all connections are looked at with. */
export interface RedisHealthLimits {
  /**
   * How long Redis may take to answer.
   * @default '1s'
   */
  readonly timeout?: Duration;
  /**
   * From which part of its `maxmemory` on a server counts as nearly full; above 0, at most 1.
   * @default 0.9
   */
  readonly memoryThreshold?: number;
}

export interface RedisHealthOptions extends RedisHealthLimits {
  /**
   * The name of the connection to look at.
   * @default 'default'
   */
  readonly connection?: string;
  /**
   * Whether the connection is meant to lead to a replica. If not, a replica is a reason to be degraded.
   * @default false, or true for sentinels that are asked for a replica (`ioredis: { role: 'slave' }`)
   */
  readonly replica?: boolean;
  /**
   * Whether the application can do its work without the connection. While it is down it is then
   * `degraded`, and the report stays 200.
   * @default false
   */
  readonly optional?: boolean;
}

export interface RedisHealthOfAllOptions extends RedisHealthLimits {
  /**
   * Which connections the application can do without: all of them, or those with these names
   * (`'default'` for the one without a name).
   * @default false
   * @example ['cache']
   */
  readonly optional?: boolean | readonly string[];
}

export interface ResolvedHealthOptions {
  readonly timeoutMs: number;
  readonly memoryThreshold: number;
  readonly replica: boolean | undefined;
  readonly optional: boolean;
}

const LIMITS = {
  timeout: true,
  memoryThreshold: true,
} as const satisfies Record<keyof RedisHealthLimits, true>;

const OPTIONS = {
  ...LIMITS,
  connection: true,
  replica: true,
  optional: true,
} as const satisfies Record<keyof RedisHealthOptions, true>;

const OPTIONS_OF_ALL = {
  ...LIMITS,
  optional: true,
} as const satisfies Record<keyof RedisHealthOfAllOptions, true>;

/** @throws RedisConfigurationException listing every impossible value and every unknown option */
export function resolveHealthOptions(options: RedisHealthOptions): ResolvedHealthOptions {
  const read = new OptionReader();
  read.refuseUnknown(options, OPTIONS);
  const resolved = readOptions(read, options);
  read.finish();
  return resolved;
}

/**
 * The options of each of these connections.
 *
 * @throws RedisConfigurationException listing every impossible value, every unknown option and every
 * connection that does not exist: a connection whose name is misspelt would be required, and its outage
 * a 503
 */
export function resolveHealthOfAll(
  options: RedisHealthOfAllOptions,
  connections: readonly string[],
): (connection: string) => ResolvedHealthOptions {
  const { optional = false, ...limits } = options;
  const read = new OptionReader();
  read.refuseUnknown(options, OPTIONS_OF_ALL);
  const names = isList(optional) ? optional : undefined;
  for (const name of names ?? []) {
    if (connections.includes(name)) continue;
    read.refuse('optional', name, `names of connections: ${connections.join(', ')}`);
  }
  const resolved = readOptions(read, isList(optional) ? limits : { ...limits, optional });
  read.finish();
  return (connection) => (names ? { ...resolved, optional: names.includes(connection) } : resolved);
}

function readOptions(read: OptionReader, options: RedisHealthOptions): ResolvedHealthOptions {
  const { memoryThreshold = 0.9, replica } = options;
  const isPart = typeof memoryThreshold === 'number' && memoryThreshold > 0 && memoryThreshold <= 1;
  if (!isPart) {
    const accepted = 'a part of maxmemory such as 0.9: above 0, at most 1';
    read.refuse('memoryThreshold', memoryThreshold, accepted);
  }
  return {
    timeoutMs: read.timeout('timeout', options.timeout, 1_000),
    memoryThreshold,
    replica: replica === undefined ? undefined : read.flag('replica', replica, false),
    optional: read.flag('optional', options.optional, false),
  };
}

/** `Array.isArray` does not know that a list may be read-only. */
function isList(optional: boolean | readonly string[]): optional is readonly string[] {
  return Array.isArray(optional);
}
