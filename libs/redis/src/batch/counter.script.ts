import { RedisScript } from '../connection/driver/redis-script.js';

/**
 * Adds ARGV[1] to the counter at KEYS[1], which lives ARGV[2] milliseconds from its first increment
 * (for ever if that is empty): INCRBY and EXPIRE, were they two commands, would leave a counter without
 * a TTL behind when the second is lost, and renew the TTL with every increment.
 *
 * A sum that a JavaScript number cannot hold is taken back and refused. `pcall`, because Redis before
 * version 7 hides the word of an error (WRONGTYPE, OOM, ...) that `call` raises. The sum comes as text,
 * because ioredis 6 reads the integer 9007199254740991 as ...992.
 *
 * @internal
 */
export const INCREMENT = new RedisScript(`
local result
if redis.call('EXISTS', KEYS[1]) == 0 then
  if ARGV[2] == '' then
    result = redis.pcall('SET', KEYS[1], ARGV[1])
  else
    result = redis.pcall('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
  end
  return result.err and result or ARGV[1]
end
result = redis.pcall('INCRBY', KEYS[1], ARGV[1])
if type(result) == 'table' then return result end
if result > ${Number.MAX_SAFE_INTEGER} or result < ${Number.MIN_SAFE_INTEGER} then
  redis.call('DECRBY', KEYS[1], ARGV[1])
  return redis.error_reply('OVERFLOW the sum is beyond what a JavaScript number holds exactly')
end
return string.format('%.0f', result)
`);
