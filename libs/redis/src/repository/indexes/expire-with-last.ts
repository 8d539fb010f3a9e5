/** A sorted set of entries expires with its last one. */
export const EXPIRE_WITH_LAST = `
local FOREVER = 4e15
local function expire_with_last(key)
  local last = tonumber(redis.call('ZRANGE', key, -1, -1, 'WITHSCORES')[2] or 0)
  if last >= FOREVER then
    redis.call('PERSIST', key)
  elseif last > 0 then
    redis.call('PEXPIREAT', key, string.format('%.0f', math.ceil(last)))
  end
end
`;
