import { flagOf } from '../errors/flag-of.js';
import { RedisConfigurationException } from '../errors/redis-configuration.exception.js';
import { refuseUnknownOptions } from '../errors/unknown-options.js';
import { parseTimeout, type Duration } from '../time/duration.js';

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
}

export interface ResolvedHealthOptions {
  readonly timeoutMs: number;
  readonly memoryThreshold: number;
  readonly replica: boolean | undefined;
}

const OPTIONS = {
  connection: true,
  timeout: true,
  memoryThreshold: true,
  replica: true,
} as const satisfies Record<keyof RedisHealthOptions, true>;

/** @throws RedisConfigurationException naming the option that cannot be, or is unknown */
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
  return { timeoutMs, memoryThreshold, replica };
}
