import {
  RedisConfigurationException,
  type ConfigurationProblem,
} from '../errors/redis-configuration.exception.js';
import { unknownOptions } from '../errors/unknown-options.js';
import {
  ACCEPTED_SERIALIZERS,
  isSerializer,
  type CacheSerializer,
} from '../serialization/cache-serializer.js';
import { jsonSerializer } from '../serialization/json-bodies.js';
import {
  ACCEPTED_DURATIONS,
  ACCEPTED_TIMEOUTS,
  durationToMs,
  LONGEST_TIMER_MS,
  type Duration,
} from '../time/duration.js';
import type { CachePolicy, RedisCacheOptions } from './cache-options.js';

/** A policy, complete, in milliseconds; 0 for what is not wanted. */
export interface ResolvedPolicy {
  readonly ttlMs: number;
  readonly staleForMs: number;
  readonly negativeTtlMs: number;
  readonly jitter: number;
  readonly timeoutMs: number;
  readonly loadTimeoutMs: number;
  readonly failSafeMs: number;
}

export interface ResolvedCacheOptions {
  readonly name: string;
  readonly policy: ResolvedPolicy;
  readonly onOutage: 'open' | 'closed';
  readonly maxLoads: number;
  readonly breakerThreshold: number;
  readonly breakerCooldownMs: number;
  readonly outbox: boolean;
  readonly changeTtlMs: number;
  readonly serializer: CacheSerializer<unknown>;
}

/** A process that is busy for a moment must not be taken for one that is gone. */
const LEAST_CHANGE_MS = 1_000;

const DEFAULT_POLICY: ResolvedPolicy = {
  ttlMs: 3_600_000,
  staleForMs: 0,
  negativeTtlMs: 0,
  jitter: 0.1,
  timeoutMs: 250,
  loadTimeoutMs: 10_000,
  failSafeMs: 0,
};

/** The names of the options of a policy. */
export const CACHE_POLICY = {
  ttl: true,
  staleFor: true,
  negativeTtl: true,
  jitter: true,
  timeout: true,
  loadTimeout: true,
  failSafe: true,
} as const satisfies Record<keyof CachePolicy, true>;

/** The names of the options of a cache whose own name is given elsewhere. */
export const UNNAMED_CACHE_OPTIONS = {
  ...CACHE_POLICY,
  onOutage: true,
  maxLoads: true,
  breakerThreshold: true,
  breakerCooldown: true,
  outbox: true,
  changeTtl: true,
  serializer: true,
} as const satisfies Record<Exclude<keyof RedisCacheOptions, 'name'>, true>;

const OPTIONS = { ...UNNAMED_CACHE_OPTIONS, name: true } as const;

/** @throws RedisConfigurationException listing every impossible value and every unknown option */
export function resolveCacheOptions(options: RedisCacheOptions): ResolvedCacheOptions {
  const { name = 'default', onOutage = 'open', outbox = false } = options;
  const { serializer = jsonSerializer, changeTtl = '10s' } = options;
  const { maxLoads = 64, breakerThreshold = 5, breakerCooldown = '1s' } = options;
  const where = `cache "${name}": `;
  const read = new PolicyReader(where, unknownOptions(options, OPTIONS, where));
  const policy = read.policy(options, DEFAULT_POLICY);
  const resolved = {
    name,
    policy,
    onOutage,
    maxLoads: read.count('maxLoads', maxLoads),
    breakerThreshold: read.count('breakerThreshold', breakerThreshold),
    breakerCooldownMs: read.timeout('breakerCooldown', breakerCooldown, 0),
    outbox,
    changeTtlMs: read.timeout('changeTtl', changeTtl, 0, LEAST_CHANGE_MS),
    serializer: read.serializer(serializer),
  };
  if (typeof name !== 'string' || name === '') read.refuse('name', name, 'a text');
  if (!['open', 'closed'].includes(onOutage)) {
    read.refuse('onOutage', onOutage, "'open' or 'closed'");
  }
  if (typeof outbox !== 'boolean') read.refuse('outbox', outbox, 'true or false');
  read.finish();
  return resolved;
}

/**
 * Checks what will be given with calls, long before the first of them.
 *
 * @param where what stands before the names in messages
 * @throws RedisConfigurationException listing every impossible value
 * @internal
 */
export function checkPolicy(policy: CachePolicy, where: string): void {
  const read = new PolicyReader(where);
  read.policy(policy, DEFAULT_POLICY);
  read.finish();
}

/**
 * What one call overrides of a cache's policy.
 *
 * @throws RedisConfigurationException listing every impossible value
 */
export function resolvePolicy(policy: CachePolicy, defaults: ResolvedPolicy): ResolvedPolicy {
  if (saysNothing(policy)) return defaults;
  const read = new PolicyReader('');
  const resolved = read.policy(policy, defaults);
  read.finish();
  return resolved;
}

/**
 * The serializer of one call, if it names one, or the cache's.
 *
 * @throws RedisConfigurationException for one without a name
 */
export function resolveSerializer<T>(
  given: CacheSerializer<T> | undefined,
  byDefault: CacheSerializer<unknown>,
): CacheSerializer<unknown> {
  if (given === undefined) return byDefault;
  if (isSerializer(given)) return given;
  const read = new PolicyReader('');
  read.serializer(given);
  read.finish();
  return byDefault;
}

/** Written out: it is asked with every read. */
function saysNothing(policy: CachePolicy): boolean {
  return (
    policy.ttl === undefined &&
    policy.staleFor === undefined &&
    policy.negativeTtl === undefined &&
    policy.jitter === undefined &&
    policy.timeout === undefined &&
    policy.loadTimeout === undefined &&
    policy.failSafe === undefined
  );
}

class PolicyReader {
  readonly #problems: ConfigurationProblem[];
  readonly #prefix: string;

  /** @param found what is wrong already */
  constructor(prefix: string, found: readonly ConfigurationProblem[] = []) {
    this.#prefix = prefix;
    this.#problems = [...found];
  }

  policy(given: CachePolicy, defaults: ResolvedPolicy): ResolvedPolicy {
    return {
      ttlMs: this.duration('ttl', given.ttl, defaults.ttlMs),
      staleForMs: this.duration('staleFor', given.staleFor, defaults.staleForMs),
      negativeTtlMs: this.duration('negativeTtl', given.negativeTtl, defaults.negativeTtlMs),
      jitter: this.#fraction('jitter', given.jitter, defaults.jitter),
      timeoutMs: this.timeout('timeout', given.timeout, defaults.timeoutMs),
      loadTimeoutMs: this.timeout('loadTimeout', given.loadTimeout, defaults.loadTimeoutMs),
      failSafeMs: this.duration('failSafe', given.failSafe, defaults.failSafeMs),
    };
  }

  /** How long something lives. */
  duration(setting: string, value: Duration | undefined, byDefault: number): number {
    if (value === undefined) return byDefault;
    const ms = millisecondsOf(value);
    if (ms === undefined) this.refuse(setting, value, ACCEPTED_DURATIONS);
    return ms ?? byDefault;
  }

  /** How long something is waited for. */
  timeout(setting: string, value: Duration | undefined, byDefault: number, leastMs = 1): number {
    if (value === undefined) return byDefault;
    const ms = millisecondsOf(value);
    if (ms !== undefined && ms >= leastMs && ms <= LONGEST_TIMER_MS) return ms;
    const least = leastMs > 1 ? `, and at least '${leastMs}ms'` : '';
    this.refuse(setting, value, ACCEPTED_TIMEOUTS + least);
    return byDefault;
  }

  count(setting: string, value: number): number {
    if (!Number.isSafeInteger(value) || value < 1) {
      this.refuse(setting, value, `a whole number from 1 to ${Number.MAX_SAFE_INTEGER}`);
    }
    return value;
  }

  serializer(given: unknown): CacheSerializer<unknown> {
    if (isSerializer(given)) return given;
    this.refuse('serializer', 'one without a name that can be stored', ACCEPTED_SERIALIZERS);
    return jsonSerializer;
  }

  #fraction(setting: string, value: number | undefined, byDefault: number): number {
    if (value === undefined) return byDefault;
    const isFraction = typeof value === 'number' && value >= 0 && value <= 1;
    if (!isFraction) this.refuse(setting, value, 'a number from 0 to 1');
    return value;
  }

  refuse(setting: string, value: unknown, accepted: string): void {
    this.#problems.push({ setting: this.#prefix + setting, value: String(value), accepted });
  }

  finish(): void {
    if (this.#problems.length > 0) throw new RedisConfigurationException(this.#problems);
  }
}

const known = new Map<string, number | undefined>();

/** Options are written anew for each call, but their durations are always the same few. */
function millisecondsOf(duration: Duration): number | undefined {
  if (known.has(duration)) return known.get(duration);
  const ms = durationToMs(duration);
  if (known.size < 1_000) known.set(duration, ms);
  return ms;
}
