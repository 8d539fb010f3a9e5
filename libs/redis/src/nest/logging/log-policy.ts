import { OptionReader } from '../../connection/options/option-reader.js';
import { RedisConfigurationException } from '../../errors/redis-configuration.exception.js';
import { unknownOptions } from '../../errors/unknown-options.js';
import type { Duration } from '../../time/duration.js';

const KEYS = ['full', 'pattern', 'none'] as const;

/** How much of a key is written. */
export type LoggedKeys = (typeof KEYS)[number];

/**
 * What is logged of a connection. Failures always are, and that it was lost or restored; values,
 * passwords and names of ACL users never are.
 *
 * @publicApi
 */
export interface RedisLoggingOptions {
  /**
   * How keys are written: `full`, as they are; `pattern`, without what tells one from another, e.g.
   * `user:myapp:production:*`; `none`, not at all.
   * @default 'pattern'
   */
  readonly keys?: LoggedKeys | undefined;
  /**
   * A command that takes longer than this is a warning; `'never'` for none. The time that a blocking
   * command was asked to wait does not count.
   * @default '100ms'
   */
  readonly slow?: Duration | 'never' | undefined;
  /**
   * Whether every command and operation is written, at level debug. A logger that drops the line has
   * still cost its caller about a microsecond, so ask for it only where you want to read it.
   * @default false
   */
  readonly successes?: boolean | undefined;
}

/** The options with everything decided. */
export interface LogPolicy {
  readonly keys: LoggedKeys;
  readonly slowMs: number;
  readonly successes: boolean;
  /** Application and environment as they stand in the connection's keys. */
  readonly space?: string | undefined;
}

/** Which policy holds for a connection. */
export type PolicyOf = (connection: string) => LogPolicy;

const SLOW_MS = 100;

/** What holds where nothing was said. */
export const DEFAULT_LOG_POLICY: LogPolicy = { keys: 'pattern', slowMs: SLOW_MS, successes: false };

/** @throws RedisConfigurationException listing every problem */
export function resolveLogging(options: RedisLoggingOptions = {}): LogPolicy {
  const read = new OptionReader();
  const given: unknown = options;
  if (typeof given !== 'object' || given === null) {
    read.refuse('logging', given, "options such as { keys: 'none', slow: '50ms' }");
    throw new RedisConfigurationException(read.problems);
  }
  const { keys, slow, successes = false } = options;
  const policy = {
    keys: read.oneOf('logging.keys', keys, 'pattern', KEYS),
    slowMs: slow === 'never' ? Infinity : read.timeout('logging.slow', slow, SLOW_MS),
    successes,
  };
  if (typeof (successes as unknown) !== 'boolean') {
    read.refuse('logging.successes', successes, 'true or false');
  }
  read.problems.push(...unknownOptions(options, OPTIONS, 'logging.'));
  if (read.problems.length > 0) throw new RedisConfigurationException(read.problems);
  return policy;
}

const OPTIONS = { keys: true, slow: true, successes: true } as const satisfies Record<
  keyof RedisLoggingOptions,
  true
>;
