import { OptionReader } from '../../connection/options/option-reader.js';
import { RedisConfigurationException } from '../../errors/redis-configuration.exception.js';
import { unknownOptions } from '../../errors/unknown-options.js';
import type { Duration } from '../../time/duration.js';

const KEYS = ['full', 'pattern', 'none'] as const;

/** How keys are written: as they are, without what tells one from another, or not at all. */
export type LoggedKeys = (typeof KEYS)[number];

/**
 * Options of a connection's log. The log always has failures, and that the connection was lost or
 * restored; it never has values, passwords or names of ACL users.
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
   * A command that takes longer than this is written as a warning; `'never'` for none. The time that a
   * blocking command was asked to wait does not count.
   * @default '100ms'
   */
  readonly slow?: Duration | 'never' | undefined;
  /**
   * Whether every command and operation is written, at level debug. Even if the logger drops the line,
   * it costs the caller about a microsecond: turn it on only where you want to read the lines.
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

/** Finds the policy of a connection. */
export type PolicyOf = (connection: string) => LogPolicy;

const SLOW_MS = 100;

/** The policy of a connection without options. */
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

/** A key may be 512 MB long; a line of the log must not be. */
const LONGEST = 200;

/**
 * Writes a key as the policy allows. The pattern of a key of this application keeps kind, application and
 * environment. The pattern of any other key, whose parts may be anything, keeps the first part.
 */
export function keyForLog(key: string | undefined, { keys, space }: LogPolicy): string | undefined {
  if (key === undefined || keys === 'none') return undefined;
  const shown = keys === 'full' ? key : patternOf(key.slice(0, 2 * LONGEST), space);
  return shown.length <= LONGEST ? shown : `${shown.slice(0, LONGEST)}...`;
}

function patternOf(key: string, space: string | undefined): string {
  const [kind = '', app, environment, ...parts] = key.replace(/^\{/, '').split(':');
  const isOurs = parts.length > 0 && `${app}:${environment}` === space;
  if (isOurs) return `${kind}:${space}:*`;
  return app === undefined ? '*' : `${kind}:*`;
}
