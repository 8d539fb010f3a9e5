/**
 * Pieces of Lua that several scripts of the repository need, as those of `connection/driver/lua.ts`: a
 * script lists the pieces that a piece needs before it.
 */
import { READ_TEXT } from '../connection/driver/lua.js';
import { RedisScript } from '../connection/driver/redis-script.js';
import type { RedisClient } from '../connection/options/options.js';

/**
 * `forget_version(version)` removes the version beside an entity, with which everything ends that depends
 * on the entity: each write of an entity does so at its end.
 *
 * `refuse_unless_forgettable(version)` refuses a write before it begins if an ACL does not allow that.
 * (Redis 6 cannot be asked: it refuses after the entity was written.)
 */
export const FORGET_VERSION = `
local function forget_version(version) redis.call('UNLINK', version) end
local function refuse_unless_forgettable(version)
  local may = redis.acl_check_cmd
  if may and not may('UNLINK', version) then forget_version(version) end
end
`;

/**
 * `expire_with_last(ends, range)`: lets a sorted set of index entries expire with its last entry, and with it
 * the range index whose entries these are, if there is one.
 */
export const EXPIRE_WITH_LAST = `
local FOREVER = 4e15
local function expire_with_last(ends, range)
  local last = tonumber(redis.call('ZRANGE', ends, -1, -1, 'WITHSCORES')[2] or 0)
  if last >= FOREVER then
    redis.call('PERSIST', ends)
    if range then redis.call('PERSIST', range) end
  elseif last > 0 then
    local at = string.format('%.0f', math.ceil(last))
    redis.call('PEXPIREAT', ends, at)
    if range then redis.call('PEXPIREAT', range, at) end
  end
end
`;

/**
 * `add_entry(key, id, ttl, margin, at_least)` adds an index entry to a sorted set. Needs NOW and
 * EXPIRE_WITH_LAST.
 *
 * The score is the time when the entity expires, plus a margin of one to two minutes. The margin lets no
 * entry end before its entity. It is random, so that each write has a score of its own: an entry can be
 * removed on condition that it is still the one that was looked at. Scores of entities without expiry
 * lie far beyond any time. Each write drops what has expired, and the set itself expires with its last
 * entry.
 *
 * What has expired is dropped after the entry was added: a full Redis refuses a script at its first
 * command that writes, if that is one that needs memory, and lets all of it pass if it is not.
 *
 * With `at_least` an entry that lasts longer stays so: of saves at the same time it is not known which
 * one the entity is from.
 */
export const ADD_ENTRY = `
local function exactly(number) return string.format('%.17g', number) end
local function put_entry(key, member, time, ttl, margin, at_least)
  local score = FOREVER + math.floor(margin * 1e9)
  if ttl ~= 'forever' then score = time + ttl + margin end
  local standing = at_least and tonumber(redis.call('ZSCORE', key, member) or 0) or 0
  if standing >= score then score = standing + margin / 60000 end
  redis.call('ZADD', key, exactly(score), member)
end
local function add_entry(key, id, ttl, margin, at_least)
  local time = now()
  put_entry(key, id, time, ttl, margin, at_least)
  redis.call('ZREMRANGEBYSCORE', key, '-inf', '(' .. exactly(time))
  expire_with_last(key)
end
`;

/**
 * `add_range_entry(range, ends, member, ttl, margin, at_least)` adds an entry to a range index. Needs NOW,
 * EXPIRE_WITH_LAST and ADD_ENTRY.
 *
 * A range index is two sorted sets with the same members, each the rank of a value and the id of its entity:
 * one is sorted by the members, because all scores are 0, and `ends` has the scores of ADD_ENTRY. Each write
 * drops a hundred expired entries at most, which is more than it adds.
 */
export const ADD_RANGE_ENTRY = `
local function add_range_entry(range, ends, member, ttl, margin, at_least)
  local time = now()
  put_entry(ends, member, time, ttl, margin, at_least)
  redis.call('ZADD', range, 0, member)
  local expired = redis.call('ZRANGEBYSCORE', ends, '-inf', '(' .. exactly(time), 'LIMIT', 0, 100)
  if #expired > 0 then
    redis.call('ZREM', range, unpack(expired))
    redis.call('ZREM', ends, unpack(expired))
  end
  expire_with_last(ends, range)
end
`;

/** One to two minutes, in milliseconds, with a fraction: the margin of an entry. */
export function randomMargin(): string {
  return String(60_000 * (1 + Math.random()));
}

/**
 * Reads a text from the primary: a replica (`scaleReads`) lags behind, and must not tell whether an index
 * entry is stale. `null` if there is none, or a key of another type. One round trip.
 *
 * @throws the driver's error
 * @internal
 */
export async function readStored(client: RedisClient, key: string): Promise<string | null> {
  return (await READ.run(client, [key], [])) as string | null;
}

/** A script is no read-only command to the driver, and goes to the primary. KEYS: entity. */
const READ = new RedisScript(`
${READ_TEXT}
return (read_text(KEYS[1])) -- the first result only
`);
