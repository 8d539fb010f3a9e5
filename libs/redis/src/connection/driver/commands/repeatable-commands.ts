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
 * Whether a command may be sent again when nobody knows if it was executed.
 *
 * @internal
 */
export function isRepeatable(name: string): boolean {
  return REPEATABLE.has(name.toLowerCase());
}
