import { TTL_OPTIONS } from '../connection/driver/lua.js';
import { RedisScript } from '../connection/driver/redis-script.js';

/**
 * Adds ARGV[1] to the counter at KEYS[1], whose time to live ARGV[2] runs from its first increment. INCRBY
 * and EXPIRE as two commands would leave a counter without a TTL behind when the second is lost, and
 * would renew the TTL with every increment.
 *
 * A sum that a JavaScript number cannot hold is taken back and refused. `pcall`, because Redis before
 * version 7 hides the word of an error (WRONGTYPE, OOM, ...) that `call` raises. The sum comes as text,
 * because ioredis 6 reads the integer 9007199254740991 as ...992.
 *
 * @internal
 */
export const INCREMENT = new RedisScript(`
${TTL_OPTIONS}
local result
if redis.call('EXISTS', KEYS[1]) == 0 then
  result = redis.pcall('SET', KEYS[1], ARGV[1], ttl_options(ARGV[2]))
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
