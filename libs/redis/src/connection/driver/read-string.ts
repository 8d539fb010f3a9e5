/**
 * A piece of Lua for scripts that take a key of another type for one that is not there, as MGET does.
 * `pcall` gives them every other refusal as well, a forbidden key above all: those are raised, or a
 * script would take what it may not read for nothing, and act on that.
 *
 * @internal
 */
export const READ_STRING = `
local function read_string(key)
  local text = redis.pcall('GET', key)
  if type(text) == 'string' then return text end
  if text and not string.find(text.err, 'WRONGTYPE', 1, true) then redis.call('GET', key) end
  return false
end
`;
