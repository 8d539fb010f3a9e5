import { flagOf } from '../errors/flag-of.js';
import { RedisConfigurationException } from '../errors/redis-configuration.exception.js';
import { refuseUnknownOptions } from '../errors/unknown-options.js';
import { parseTimeout, type Duration } from '../time/duration.js';

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

/** @throws RedisConfigurationException naming the option that is invalid or unknown */
export function resolveHealthOptions(options: RedisHealthOptions): ResolvedHealthOptions {
  refuseUnknownOptions(options, OPTIONS);
  const { timeout = '1s', memoryThreshold = 0.9, replica } = options;
  const timeoutMs = parseTimeout(timeout, 'timeout');
  const isPart = typeof memoryThreshold === 'number' && memoryThreshold > 0 && memoryThreshold <= 1;
  if (!isPart) {
    const value = String(memoryThreshold);
    const accepted = 'a part of maxmemory such as 0.9: above 0, at most 1';
    throw new RedisConfigurationException([{ setting: 'memoryThreshold', value, accepted }]);
  }
  if (replica !== undefined) flagOf('replica', replica, false);
  const optional = flagOf('optional', options.optional, false);
  return { timeoutMs, memoryThreshold, replica, optional };
}

/**
 * Resolves the options for each of these connections.
 *
 * @throws RedisConfigurationException naming the option that is invalid or unknown, or the connection that
 * does not exist: a misspelt connection would not be optional, and its outage would cause a 503
 */
export function resolveHealthOfAll(
  options: RedisHealthOfAllOptions,
  connections: readonly string[],
): (connection: string) => ResolvedHealthOptions {
  refuseUnknownOptions(options, OPTIONS_OF_ALL);
  const { optional = false, ...limits } = options;
  if (!isList(optional)) {
    const resolved = resolveHealthOptions({ ...limits, optional });
    return () => resolved;
  }
  const problems = optional
    .filter((name) => !connections.includes(name))
    .map((name) => ({
      setting: 'optional',
      value: name,
      accepted: `names of connections: ${connections.join(', ')}`,
    }));
  if (problems.length > 0) throw new RedisConfigurationException(problems);
  const resolved = resolveHealthOptions(limits);
  return (connection) => ({ ...resolved, optional: optional.includes(connection) });
}

/** The type of `Array.isArray` does not cover read-only arrays. */
function isList(optional: boolean | readonly string[]): optional is readonly string[] {
  return Array.isArray(optional);
}
