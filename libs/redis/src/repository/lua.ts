import { READ_STRING } from '../connection/driver/read-string.js';
import { EXPIRE_WITH_LAST } from './indexes/expire-with-last.js';

/**
 * Pieces of Lua that several scripts need. Times come from the server's own clock: the application's
 * may differ.
 *
 * `keep`, `forever` and a number of milliseconds are the three ways to say how long something lives.
 */
export const WRITE_ENTITY = `
${READ_STRING}
local function read_entity(key) return read_string(key) end -- of another type: no entity, as MGET has it
local function write_entity(key, text, ttl)
  if ttl == 'keep' then
    redis.call('SET', key, text, 'KEEPTTL')
  elseif ttl == 'forever' then
    redis.call('SET', key, text)
  else
    redis.call('SET', key, text, 'PX', ttl)
  end
end
`;

/**
 * Whatever depends on an entity depends on the version beside it, and ends with it: each write of an
 * entity removes its version, as the last thing that it does. An ACL that does not allow that refuses
 * the write before it begins. (Redis 6 cannot be asked, and refuses when the entity is written.)
 */
export const FORGET_VERSION = `
local function forget(version) redis.call('UNLINK', version) end
local function expect_to_forget(version)
  local may = redis.acl_check_cmd
  if may and not may('UNLINK', version) then forget(version) end
end
`;

/**
 * The entries of a sorted set are scored with the time when their entity expires, plus a margin of one
 * to two minutes. The margin makes sure that an entry does not end before its entity; that it is random
 * gives each write a score of its own, so that an entry can be removed on condition that it is still
 * the one that was looked at. Each write drops what has expired, and the set itself expires with its
 * last entry. Scores of entities without expiry lie far beyond any time.
 *
 * What has expired is dropped after the entry was added: a full Redis refuses a script at its first
 * command that writes, if that is one that needs memory, and lets all of it pass if it is not.
 *
 * With `at_least` an entry that lasts longer stays so: of saves at the same time nobody knows which
 * one the entity is from.
 */
export const ADD_ENTRY = `
${EXPIRE_WITH_LAST}
local function exactly(number) return string.format('%.17g', number) end
local function add_entry(key, id, ttl, margin, at_least)
  local time = redis.call('TIME')
  local now = time[1] * 1000 + math.floor(time[2] / 1000)
  local score = FOREVER + math.floor(margin * 1e9)
  if ttl ~= 'forever' then score = now + ttl + margin end
  local standing = at_least and tonumber(redis.call('ZSCORE', key, id) or 0) or 0
  if standing >= score then score = standing + margin / 60000 end
  redis.call('ZADD', key, exactly(score), id)
  redis.call('ZREMRANGEBYSCORE', key, '-inf', '(' .. exactly(now))
  expire_with_last(key)
end
`;

/** One to two minutes, in milliseconds, with a fraction. */
export function randomMargin(): string {
  return String(60_000 * (1 + Math.random()));
}
