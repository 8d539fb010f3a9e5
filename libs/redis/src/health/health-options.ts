import { OptionReader } from '../connection/options/option-reader.js';
import type { Duration } from '../time/duration.js';

/** The limits for all checked connections. */
export interface RedisHealthLimits {
  /**
   * How long Redis may take to answer.
   * @default '1s'
   */
  readonly timeout?: Duration;
  /**
   * The part of `maxmemory` from which a server counts as nearly full; above 0, at most 1.
   * @default 0.9
   */
  readonly memoryThreshold?: number;
}

export interface RedisHealthOptions extends RedisHealthLimits {
  /**
   * The name of the connection to check.
   * @default 'default'
   */
  readonly connection?: string;
  /**
   * Whether the connection should lead to a replica. If not, a connection to a replica is degraded.
   * @default false, or true for sentinels that are asked for a replica (`ioredis: { role: 'slave' }`)
   */
  readonly replica?: boolean;
  /**
   * Whether the application works without the connection. If it is down it then counts as `degraded`, and
   * the report stays 200.
   * @default false
   */
  readonly optional?: boolean;
}

export interface RedisHealthOfAllOptions extends RedisHealthLimits {
  /**
   * The connections without which the application works: all of them, or those with these names
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

/** @throws RedisConfigurationException listing every invalid value and every unknown option */
export function resolveHealthOptions(options: RedisHealthOptions): ResolvedHealthOptions {
  const read = new OptionReader();
  read.refuseUnknown(options, OPTIONS);
  const resolved = readOptions(read, options);
  read.finish();
  return resolved;
}

/**
 * Resolves the options for each of these connections.
 *
 * @throws RedisConfigurationException listing every invalid value, every unknown option and every connection
 * that does not exist: a misspelt connection would not be optional, and its outage would cause a 503
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

/** The type of `Array.isArray` does not cover read-only arrays. */
function isList(optional: boolean | readonly string[]): optional is readonly string[] {
  return Array.isArray(optional);
}
