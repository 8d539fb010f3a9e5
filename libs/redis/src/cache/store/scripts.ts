import { READ_STRING } from '../../connection/keyspace/read-string.js';
import { RedisScript } from '../../connection/keyspace/redis-script.js';
import { LUA_FILL_ID_OF } from '../entry/envelope.js';

/** Reads that take a key of another type for one that is not there, instead of failing. */
const READ_TEXT = `
${READ_STRING}
local function read_text(key) return read_string(key) end
local function now()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end
`;

/**
 * Takes the lease of an entry, unless somebody has filled it since it was judged, or holds the lease.
 * Done again by a command that was sent twice it answers the same.
 *
 * KEYS: entry, lease. ARGV: token, lease in ms, fill id of the entry that was judged ('' for none).
 */
export const ACQUIRE = new RedisScript(`
${READ_TEXT}
${LUA_FILL_ID_OF}
local text = read_text(KEYS[1])
if fill_id_of(text or '') ~= ARGV[3] then return {'changed', now()} end
local holder = read_text(KEYS[2])
if holder and holder ~= ARGV[1] then return {'held', now()} end
redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[2])
local is_foreign = not text and redis.call('EXISTS', KEYS[1]) or 0
return {'acquired', now(), is_foreign}
`);

/**
 * Reads the versions of dependencies, and creates those that are not there. A version is unique for
 * each execution: the client's unique id alone would come back with a command that is sent twice. The
 * version of an entity lives no longer than the entity.
 *
 * KEYS: versions, each followed by its entity or by itself. ARGV: unique id, the least and the
 * generous time to live in ms.
 */
export const CAPTURE = new RedisScript(`
${READ_TEXT}
local time = redis.call('TIME')
local unique = redis.sha1hex(ARGV[1] .. '.' .. time[1] .. '.' .. time[2])
local fresh = 'v' .. string.sub(unique, 1, 16) -- it travels with every read
local versions = {}
for i = 1, #KEYS, 2 do
  local key, entity = KEYS[i], KEYS[i + 1]
  local version = read_text(key)
  if not version or not string.find(version, '^v%x+$') then
    version = fresh
    local left = -2
    if entity ~= key then left = redis.call('PTTL', entity) end
    if left == 0 then left = 1 end
    redis.call('SET', key, version, 'PX', left > 0 and left or ARGV[3])
  elseif entity == key or redis.call('PTTL', entity) < 0 then
    if redis.call('PTTL', key) < tonumber(ARGV[2]) then redis.call('PEXPIRE', key, ARGV[3]) end
  end
  versions[#versions + 1] = version
end
return versions
`);

/** What a fingerprint may be made of, in bytes: beyond it the server would be held up by it. */
export const LARGEST_CONTENT = 1024 * 1024;

/**
 * What a key holds, as a short text: so that content need not travel to be compared. '-' for nothing.
 *
 * KEYS: key. ARGV: the most bytes, 'content' to be given it too.
 */
export const FINGERPRINT = new RedisScript(`
local key, most = KEYS[1], tonumber(ARGV[1])
local kind = redis.call('TYPE', key)['ok']
if kind == 'none' then return {'-', false} end
if kind == 'string' then
  if redis.call('STRLEN', key) > most then return {'large', false} end
  local text = redis.call('GET', key)
  return {redis.sha1hex(text), ARGV[2] == 'content' and text}
end
if ARGV[2] == 'content' then return redis.error_reply('WRONGTYPE the key holds no string') end
if redis.call('MEMORY', 'USAGE', key) > most then return {'large', false} end
return {kind .. redis.sha1hex(redis.call('DUMP', key)), false}
`);

/**
 * Stores what was loaded, if the lease is still the loader's. Otherwise the entry was deleted, or the
 * load took too long, and what it made may be too old for everybody but its own callers.
 *
 * KEYS: entry, lease. ARGV: token, entry, time to live in ms.
 */
export const FILL = new RedisScript(`
${READ_TEXT}
if read_text(KEYS[2]) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
redis.call('DEL', KEYS[2])
return 1
`);

/** Gives the lease back, if it is still the loader's. KEYS: lease. ARGV: token. */
export const RELEASE = new RedisScript(`
${READ_TEXT}
if read_text(KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])
`);
