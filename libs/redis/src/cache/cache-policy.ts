import { OptionReader } from '../connection/options/option-reader.js';
import {
  ACCEPTED_SERIALIZERS,
  isSerializer,
  type CacheSerializer,
} from '../serialization/cache-serializer.js';
import { jsonSerializer } from '../serialization/json-bodies.js';
import type { ReplicaDemand } from '../connection/confirmed-writes.js';
import type {
  CacheInvalidationOptions,
  CachePolicy,
  GetOrLoadOptions,
  RedisCacheOptions,
} from './cache-options.js';
import { readNearOptions, type ResolvedNearOptions } from './near-options.js';

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
  /** The replicas that have to confirm invalidations; `undefined` if none has to. */
  readonly invalidation: ReplicaDemand | undefined;
  readonly changeTtlMs: number;
  readonly serializer: CacheSerializer<unknown>;
  /** `undefined` for a cache without a near copy. */
  readonly near: ResolvedNearOptions | undefined;
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
  invalidation: true,
  changeTtl: true,
  serializer: true,
  near: true,
} as const satisfies Record<Exclude<keyof RedisCacheOptions, 'name'>, true>;

const OPTIONS = { ...UNNAMED_CACHE_OPTIONS, name: true } as const;

const OUTAGE_MODES = ['open', 'closed'] as const;

const INVALIDATION = {
  replicas: true,
  timeout: true,
} as const satisfies Record<keyof CacheInvalidationOptions, true>;

const REPLICAS = [0, 100] as const;

const COUNTS = [1, Number.MAX_SAFE_INTEGER] as const;

/** @throws RedisConfigurationException listing every impossible value and every unknown option */
export function resolveCacheOptions(options: RedisCacheOptions): ResolvedCacheOptions {
  const { name = 'default', serializer = jsonSerializer } = options;
  const where = `cache "${name}": `;
  const read = new OptionReader(where);
  read.refuseUnknown(options, OPTIONS);
  const resolved = {
    name,
    policy: readPolicy(read, options, DEFAULT_POLICY),
    maxLoads: read.integer('maxLoads', options.maxLoads, 64, COUNTS),
    breakerThreshold: read.integer('breakerThreshold', options.breakerThreshold, 5, COUNTS),
    breakerCooldownMs: read.timeout('breakerCooldown', options.breakerCooldown, 1_000),
    onOutage: read.oneOf('onOutage', options.onOutage, 'open', OUTAGE_MODES, "'open' or 'closed'"),
    outbox: read.flag('outbox', options.outbox, false),
    invalidation: readInvalidation(read, options.invalidation, `cache "${name}": `),
    changeTtlMs: read.timeout('changeTtl', options.changeTtl, 10_000, LEAST_CHANGE_MS),
    serializer: readSerializer(read, serializer),
    near: readNearOptions(read, options.near, where),
  };
  if (typeof name !== 'string' || name === '') read.refuse('name', name, 'a text');
  read.finish();
  return resolved;
}

/** A policy that one call can override, and whether the near copy may answer it. */
export interface CallPolicy extends CachePolicy, Pick<GetOrLoadOptions, 'near'> {}

/**
 * Checks what will be given with calls, long before the first of them.
 *
 * @param where what stands before the names in messages
 * @throws RedisConfigurationException listing every impossible value
 * @internal
 */
export function checkCall(policy: CallPolicy, where: string): void {
  const read = new OptionReader(where);
  readPolicy(read, policy, DEFAULT_POLICY);
  read.flag('near', policy.near, true);
  read.finish();
}

/**
 * Whether the near copy may answer a call.
 *
 * @throws RedisConfigurationException for anything but `true` and `false`
 */
export function allowsNear(near: boolean | undefined): boolean {
  if (near === undefined || typeof near === 'boolean') return near ?? true;
  const read = new OptionReader();
  read.flag('near', near, true);
  read.finish();
  return true;
}

/**
 * The options of a policy that one call can override.
 *
 * @throws RedisConfigurationException listing every impossible value
 */
export function resolvePolicy(policy: CachePolicy, defaults: ResolvedPolicy): ResolvedPolicy {
  if (saysNothing(policy)) return defaults;
  const read = new OptionReader();
  const resolved = readPolicy(read, policy, defaults);
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
  const read = new OptionReader();
  readSerializer(read, given);
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

function readPolicy(
  read: OptionReader,
  given: CachePolicy,
  defaults: ResolvedPolicy,
): ResolvedPolicy {
  return {
    ttlMs: read.duration('ttl', given.ttl, defaults.ttlMs),
    staleForMs: read.duration('staleFor', given.staleFor, defaults.staleForMs),
    negativeTtlMs: read.duration('negativeTtl', given.negativeTtl, defaults.negativeTtlMs),
    jitter: read.fraction('jitter', given.jitter, defaults.jitter),
    timeoutMs: read.timeout('timeout', given.timeout, defaults.timeoutMs),
    loadTimeoutMs: read.timeout('loadTimeout', given.loadTimeout, defaults.loadTimeoutMs),
    failSafeMs: read.duration('failSafe', given.failSafe, defaults.failSafeMs),
  };
}

function readInvalidation(
  read: OptionReader,
  given: CacheInvalidationOptions | undefined,
  where: string,
): ReplicaDemand | undefined {
  if (given === undefined) return undefined;
  if (typeof given !== 'object' || (given as unknown) === null) {
    read.refuse('invalidation', given, 'an object such as { replicas: 1 }');
    return undefined;
  }
  read.refuseUnknown(given, INVALIDATION, `${where}invalidation.`);
  if ((given.replicas as unknown) === undefined) {
    read.miss('invalidation.replicas', 'how many replicas have to confirm');
  }
  const replicas = read.integer('invalidation.replicas', given.replicas, 0, REPLICAS);
  const timeoutMs = read.timeout('invalidation.timeout', given.timeout, 100);
  return replicas === 0 ? undefined : { replicas, timeoutMs };
}

function readSerializer(read: OptionReader, given: unknown): CacheSerializer<unknown> {
  if (isSerializer(given)) return given;
  read.refuse('serializer', 'one without a name that can be stored', ACCEPTED_SERIALIZERS);
  return jsonSerializer;
}
