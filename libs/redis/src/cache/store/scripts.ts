import { NOW, READ_TEXT } from '../../connection/driver/lua.js';
import { RedisScript } from '../../connection/driver/redis-script.js';
import { LUA_FILL_ID_OF } from '../entry/envelope.js';
import { WRITERS_BEGIN } from '../entry/writers.js';

/** `is_held(key, token)`: whether the lease at a key has this holder. Needs READ_TEXT. */
const IS_HELD = `
local function is_held(key, token)
  local lease = read_text(key)
  return lease and string.sub(lease, 1, #token) == token
end
`;

/**
 * Reads a list of writers that are changing something, `${WRITERS_BEGIN}<token>@<expiry>,...`, which stands
 * where a version or a lease would be. Ignores writers that have expired.
 */
const READ_WRITERS = `
${NOW}
${READ_TEXT}
local function living_writers(text, time)
  local living = {}
  if not text or string.sub(text, 1, ${WRITERS_BEGIN.length}) ~= '${WRITERS_BEGIN}' then return living end
  for token, expiry in string.gmatch(text, '([%w_-]+)@(%d+)') do
    if tonumber(expiry) > time then living[#living + 1] = {token = token, expiry = tonumber(expiry)} end
  end
  return living
end
local function is_being_changed(text, time) return #living_writers(text, time) > 0 end
`;

/** Stores a list of writers until the last of them expires. */
const WRITE_WRITERS = `
local function write_writers(key, writers, time)
  local texts, latest = {}, 0
  for i, writer in ipairs(writers) do
    texts[i] = string.format('%s@%.0f', writer.token, writer.expiry)
    latest = math.max(latest, writer.expiry)
  end
  return redis.pcall('SET', key, '${WRITERS_BEGIN}' .. table.concat(texts, ','), 'PX', latest - time)
end
`;

/**
 * Takes leases, and reads the versions of what the loads will depend on.
 *
 * Takes the lease of an entry, unless the entry is being changed or has been filled since it was judged,
 * or the lease has a holder. A command that is sent twice gets the same answer twice.
 *
 * Creates the versions that are missing. Answers nothing for those that are being changed. A version is
 * unique for each execution: the client's unique id alone would come back with a command that is sent
 * twice. The version of an entity lives no longer than the entity.
 *
 * KEYS: for each claim its entry and its lease, then the versions, each followed by its entity or by itself.
 * ARGV: unique id, number of claims; for each claim its token, lease in ms, fill id of the entry that was
 * judged ('' for none), the lease of a holder that is gone ('' for none), exactly as it was seen, because a
 * living holder changes it; for each version the least and the generous time to live in ms.
 *
 * Answers the time, then for each claim its state, or in a list the lease of its holder, then the versions.
 */
export const CLAIM = new RedisScript(`
${READ_WRITERS}
${LUA_FILL_ID_OF}
local time = redis.call('TIME')
local time_ms = time[1] * 1000 + math.floor(time[2] / 1000)
local answers = {time_ms}

local function claim(entry, lease, token, lease_ms, judged, orphan)
  local text, is_foreign = read_text(entry)
  local is_filled = fill_id_of(text or '') ~= judged
  if is_filled or not redis.call('SET', lease, token, 'PX', lease_ms, 'NX') then
    local held = read_text(lease)
    if is_being_changed(held, time_ms) then return 'changing' end
    if is_filled then return 'changed' end
    if held and held ~= orphan and string.sub(held, 1, #token) ~= token then return {held} end
    redis.call('SET', lease, token, 'PX', lease_ms)
  end
  return is_foreign and 'foreign' or 'acquired'
end

local fresh
local function capture(key, entity, least, generous)
  local version = read_text(key)
  if is_being_changed(version, time_ms) then return false end
  if not version or not string.find(version, '^v%x+$') then
    fresh = fresh or redis.sha1hex(ARGV[1] .. '.' .. time[1] .. '.' .. time[2])
    version = 'v' .. string.sub(fresh, 1, 16) -- it travels with every read
    local left = -2
    if entity ~= key then left = redis.call('PTTL', entity) end
    if left == 0 then left = 1 end
    redis.call('SET', key, version, 'PX', left > 0 and left or generous)
  elseif entity == key or redis.call('PTTL', entity) < 0 then
    if redis.call('PTTL', key) < tonumber(least) then redis.call('PEXPIRE', key, generous) end
  end
  return version
end

local claims = tonumber(ARGV[2])
for i = 1, claims do
  local at = 4 * i - 1
  answers[i + 1] = claim(KEYS[2 * i - 1], KEYS[2 * i], ARGV[at], ARGV[at + 1], ARGV[at + 2], ARGV[at + 3])
end
for i = claims + 1, #KEYS / 2 do
  local at = 2 * claims + 2 * i + 1
  answers[i + 1] = capture(KEYS[2 * i - 1], KEYS[2 * i], ARGV[at], ARGV[at + 1])
end
return answers
`);

/** The largest content of which a fingerprint is made, in bytes: a larger one would hold up the server. */
export const LARGEST_CONTENT = 1024 * 1024;

/**
 * Makes a short text of what a key holds, so that content need not travel to be compared. '-' for nothing.
 *
 * KEYS: key. ARGV: the most bytes, 'content' to get the content too.
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
 * Takes the lease of an entry from any holder, unless the entry is being changed.
 *
 * KEYS: lease. ARGV: token, lease in ms.
 */
export const SEIZE = new RedisScript(`
${READ_WRITERS}
if is_being_changed(read_text(KEYS[1]), now()) then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
`);

/**
 * Stores what was loaded, each if the lease is still the loader's. Otherwise the entry was deleted, or the
 * load took too long, and its value may be too old for all but its own callers.
 *
 * KEYS: for each its entry and its lease. ARGV: for each its token, the entry, its time to live in ms.
 *
 * Answers for each whether it was stored.
 */
export const FILL = new RedisScript(`
${READ_TEXT}
${IS_HELD}
local function fill(entry, lease, token, text, live_ms)
  if not is_held(lease, token) then return 0 end
  redis.call('SET', entry, text, 'PX', live_ms)
  redis.call('DEL', lease)
  return 1
end
local filled = {}
for i = 1, #KEYS / 2 do
  filled[i] = fill(KEYS[2 * i - 1], KEYS[2 * i], ARGV[3 * i - 2], ARGV[3 * i - 1], ARGV[3 * i])
end
return filled
`);

/** Gives the lease back, if it is still the loader's. KEYS: lease. ARGV: token. */
export const RELEASE = new RedisScript(`
${READ_TEXT}
${IS_HELD}
if not is_held(KEYS[1], ARGV[1]) then return 0 end
return redis.call('DEL', KEYS[1])
`);

/**
 * Shows that the holder of a lease lives, if the lease is still the loader's. Does not prolong the lease.
 *
 * KEYS: lease. ARGV: token, the text that follows it now.
 */
export const BEAT = new RedisScript(`
${READ_TEXT}
${IS_HELD}
if not is_held(KEYS[1], ARGV[1]) then return 0 end
local left = redis.call('PTTL', KEYS[1])
if left > 0 then redis.call('SET', KEYS[1], ARGV[1] .. ARGV[2], 'PX', left) end
return 1
`);

/**
 * Announces that a writer is about to change something, or still is: puts it where the version or the lease
 * would be, beside the other writers, until it expires. Sent twice it does the same. Then removes the entry,
 * if one is named: no load can fill it any more.
 *
 * KEYS: version or lease, and the entry of the lease if it is to go. ARGV: token, its time in ms.
 */
export const ANNOUNCE = new RedisScript(`
${READ_WRITERS}
${WRITE_WRITERS}
local time = now()
local writers = {{token = ARGV[1], expiry = time + ARGV[2]}}
for _, writer in ipairs(living_writers(read_text(KEYS[1]), time)) do
  if writer.token ~= ARGV[1] then writers[#writers + 1] = writer end
end
local written = write_writers(KEYS[1], writers, time)
if written.err then return written end
if KEYS[2] then redis.call('UNLINK', KEYS[2]) end
return written
`);

/**
 * Invalidates what depends on versions, and ends leases: deletes them, unless writers are still changing
 * it, because then it is invalid already, and has to stay so. Removes one writer that has finished from
 * these lists. Then removes the entries, if any are named: no load can fill them any more.
 *
 * If there is no memory for a shorter list, the writer stays in it until it expires.
 *
 * KEYS: versions and leases, then entries. ARGV: token of the writer that has finished ('' for none), the
 * number of entries, 'confirmed' if replicas are to confirm it: then the last key is written in any case, so
 * that WAIT counts those that have everything up to here, also what an earlier call has deleted.
 *
 * Answers the number of entries that existed.
 */
export const WITHDRAW = new RedisScript(`
${READ_WRITERS}
${WRITE_WRITERS}
local time, lists = now(), #KEYS - ARGV[2]
for i = 1, lists do
  local all, others = living_writers(read_text(KEYS[i]), time), {}
  for _, writer in ipairs(all) do
    if writer.token ~= ARGV[1] then others[#others + 1] = writer end
  end
  if #others == 0 then
    redis.call('UNLINK', KEYS[i])
  elseif #others < #all then
    local written = write_writers(KEYS[i], others, time)
    if written.err and not string.find(written.err, 'OOM', 1, true) then return written end
  end
end
local removed = 0
for i = lists + 1, #KEYS do removed = removed + redis.call('UNLINK', KEYS[i]) end
if ARGV[3] == 'confirmed' then
  local last = KEYS[#KEYS]
  local left = redis.call('PTTL', last)
  if left > 0 then
    redis.call('PEXPIRE', last, left) -- a list of writers stays as it is
  else
    redis.call('UNLINK', last) -- first, because what frees memory may be followed by what needs some
    redis.call('SET', last, '', 'PX', 1)
    redis.call('UNLINK', last)
  end
end
return removed
`);
