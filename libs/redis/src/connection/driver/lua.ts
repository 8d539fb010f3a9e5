/**
 * Pieces of Lua that scripts of the library are put together from: each defines one function. A script
 * begins with the pieces that it calls, and with those that these need before them.
 */

/** `now()`: milliseconds since 1970 on the server's clock, from which the application's may differ. */
export const NOW = `
local function now()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end
`;

/**
 * `read_text(key)`: the text at a key, `false` if there is none. A key of another type counts as none, as
 * it does for MGET; the second result tells whether there is one. Every other refusal, such as that of a
 * forbidden key, is raised: a script must not act as if there were nothing at a key that it may not read.
 */
export const READ_TEXT = `
local function read_text(key)
  local text = redis.pcall('GET', key)
  if type(text) == 'string' then return text end
  if text and not string.find(text.err, 'WRONGTYPE', 1, true) then redis.call('GET', key) end
  return false, text ~= false
end
`;

/**
 * `ttl_options(ttl)`: how long SET lets a text live, as its last arguments. The `ttl` is a number of
 * milliseconds, `'forever'`, or `'keep'` for the time that what stands there has left.
 *
 * @example redis.call('SET', KEYS[1], ARGV[1], ttl_options(ARGV[2]))
 */
export const TTL_OPTIONS = `
local function ttl_options(ttl)
  if ttl == 'keep' then return 'KEEPTTL' end
  if ttl ~= 'forever' then return 'PX', ttl end
end
`;
