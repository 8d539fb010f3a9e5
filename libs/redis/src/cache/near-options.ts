import type { OptionReader } from '../connection/options/option-reader.js';
import type { Duration } from '../time/duration.js';

/**
 * The near copy of a cache: values that were read from Redis are kept in the process, too, and served
 * without a round trip. Redis tells each process what has changed
 * (https://redis.io/docs/latest/develop/reference/client-side-caching/).
 *
 * @publicApi
 */
export interface NearOptions {
  /**
   * How much memory the copy may take, in bytes: values, keys, tags and what is needed to keep them. The
   * values that were not read of late are dropped first. A value that would take more than an
   * eighth is not kept. At least 65,536.
   * @example 64 * 2 ** 20
   */
  readonly maxBytes: number;
  /**
   * How many values the copy may hold.
   * @default no limit but `maxBytes`
   */
  readonly maxEntries?: number | undefined;
  /**
   * The longest time for which a value may be served after another process has invalidated it, whatever
   * happens to the connection. Usually it takes less than a millisecond. What this process invalidates it
   * never serves again. At least '50ms'. Redis is asked for a sign of life three times as often.
   * @example '500ms'
   */
  readonly staleness: Duration;
  /**
   * How callers get the values of this cache: each a copy of its own, made for each hit, or with `'frozen'`
   * all of them the same deeply frozen object, which is faster. Writing to a frozen object throws a
   * TypeError. Values that cannot be frozen, such as a `Date` or a `Map` that a serializer makes, are copied
   * nevertheless.
   * @default each a copy of its own
   */
  readonly shared?: 'frozen' | undefined;
}

export interface ResolvedNearOptions {
  readonly maxBytes: number;
  /** `Infinity` for no limit. */
  readonly maxEntries: number;
  readonly stalenessMs: number;
  readonly isFrozen: boolean;
}

const OPTIONS = {
  maxBytes: true,
  maxEntries: true,
  staleness: true,
  shared: true,
} as const satisfies Record<keyof NearOptions, true>;

const LEAST_BYTES = 65_536;
const LEAST_STALENESS_MS = 50;

/**
 * @param where what stands before the names of these options in messages
 * @returns `undefined` for a cache without a near copy
 */
export function readNearOptions(
  read: OptionReader,
  given: NearOptions | false | undefined,
  where: string,
): ResolvedNearOptions | undefined {
  if (given === undefined || given === false) return undefined;
  if (typeof given !== 'object' || (given as object | null) === null) {
    read.refuse(
      'near',
      given,
      "false, or an object such as { maxBytes: 2 ** 26, staleness: '500ms' }",
    );
    return undefined;
  }
  const { maxBytes, maxEntries, staleness, shared } = given as Partial<NearOptions>;
  read.refuseUnknown(given, OPTIONS, `${where}near.`);
  if (maxBytes === undefined) read.miss('near.maxBytes', `a whole number from ${LEAST_BYTES}`);
  if (staleness === undefined) read.miss('near.staleness', "a duration such as '500ms'");
  if (shared !== undefined && (shared as string) !== 'frozen') {
    read.refuse('near.shared', shared, "'frozen'");
  }
  const most = Number.MAX_SAFE_INTEGER;
  return {
    maxBytes: read.integer('near.maxBytes', maxBytes, LEAST_BYTES, [LEAST_BYTES, most]),
    maxEntries:
      maxEntries === undefined
        ? Infinity
        : read.integer('near.maxEntries', maxEntries, 1, [1, most]),
    stalenessMs: read.timeout('near.staleness', staleness, LEAST_STALENESS_MS, LEAST_STALENESS_MS),
    isFrozen: shared !== undefined,
  };
}
