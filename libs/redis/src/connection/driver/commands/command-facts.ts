import type { Command } from 'ioredis';

/** An index, the last argument, or what follows BLOCK. */
type Position = number | 'last' | 'block';

/** Where a blocking command says how long it may block, and in which unit. */
const TIMEOUT_ARGUMENT = new Map<string, readonly [Position, 's' | 'ms']>([
  ['blmove', ['last', 's']],
  ['blmovem', [4, 's']],
  ['blmpop', [0, 's']],
  ['blpop', ['last', 's']],
  ['brpop', ['last', 's']],
  ['brpoplpush', ['last', 's']],
  ['bzmpop', [0, 's']],
  ['bzpopmax', ['last', 's']],
  ['bzpopmin', ['last', 's']],
  ['wait', ['last', 'ms']],
  ['waitaof', ['last', 'ms']],
  ['xread', ['block', 'ms']],
  ['xreadgroup', ['block', 'ms']],
]);

type Argument = Command['args'][number];

const UNIT_MS = { s: 1_000, ms: 1 } as const;

/**
 * How long Redis itself may hold this command back: 0 for an ordinary one, `Infinity` for "until
 * something comes" (a timeout of 0).
 *
 * @internal
 */
export function blockingTimeMs(name: string, args: readonly Argument[]): number {
  const blocking = TIMEOUT_ARGUMENT.get(name.toLowerCase());
  if (!blocking) return 0;
  const [position, unit] = blocking;
  const argument = args[indexOf(position, args)];
  if (argument === undefined) return 0;
  const time = Number(String(argument));
  if (!Number.isFinite(time) || time < 0) return 0; // Redis will refuse it at once
  return time === 0 ? Number.POSITIVE_INFINITY : time * UNIT_MS[unit];
}

function indexOf(position: Position, args: readonly Argument[]): number {
  if (typeof position === 'number') return position;
  return position === 'last' ? args.length - 1 : indexAfterBlock(args);
}

/** `XREAD [COUNT n] [BLOCK ms] STREAMS ...`, where GROUP and stream names may be called anything. */
function indexAfterBlock(args: readonly Argument[]): number {
  const word = (i: number) => String(args[i]).toLowerCase();
  for (let i = word(0) === 'group' ? 3 : 0; i < args.length && word(i) !== 'streams'; i++) {
    if (word(i) === 'block') return i + 1;
  }
  return -1;
}

/**
 * Whether a command may be sent again when it is unknown if it was executed.
 *
 * @internal
 */
export function isRepeatable(name: string): boolean {
  return REPEATABLE.has(name.toLowerCase());
}

/**
 * Commands that change nothing, or leave the connection in the same state however often they are sent
 * (https://redis.io/docs/latest/commands/). Unknown commands may do anything, so they are not here.
 */
const REPEATABLE: ReadonlySet<string> = new Set(
  `
  auth asking client command config dbsize echo hello info ping readonly readwrite select time watch
  psubscribe punsubscribe ssubscribe subscribe sunsubscribe unsubscribe
  bitcount bitpos exists expiretime get getbit getrange mget pexpiretime pttl scan strlen substr
  touch ttl type dump object randomkey memory
  hexists hget hgetall hkeys hlen hmget hrandfield hscan hstrlen hvals
  lindex llen lpos lrange
  scard sdiff sinter sintercard sismember smembers smismember srandmember sscan sunion
  zcard zcount zdiff zinter zintercard zlexcount zmscore zrandmember zrange zrangebylex zrangebyscore
  zrank zrevrange zrevrangebylex zrevrangebyscore zrevrank zscan zscore zunion
  geodist geohash geopos geosearch pfcount
  xinfo xlen xpending xrange xrevrange
  eval_ro evalsha_ro fcall_ro script cluster role
  `
    .trim()
    .split(/\s+/),
);

/**
 * Knows which words are names of commands. Other words are not repeated in logs and metrics: they could be
 * anything, such as a mistyped secret, and their number has no limit.
 *
 * @internal
 */
export class CommandNames {
  readonly #known: Map<string, string>;

  constructor(known: readonly string[]) {
    this.#known = new Map(known.map((name) => [name, name]));
  }

  /** The name for logs and metrics: in lower case, or `other`. */
  of(name: string): string {
    return this.#known.get(name) ?? this.#known.get(name.toLowerCase()) ?? 'other';
  }

  /** Adds a command that a server has answered: modules bring commands that ioredis does not know. */
  learn(name: string): void {
    if (this.#known.has(name)) return;
    const spelling = name.toLowerCase();
    this.#known.set(spelling, spelling);
  }
}
