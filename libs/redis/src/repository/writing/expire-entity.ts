import { RedisScript } from '../../connection/driver/redis-script.js';
import type { RedisClient } from '../../connection/options/options.js';
import { versionBeside } from '../../keys/entity-dependency.js';
import type { TtlMs } from '../../time/ttl.js';
import { FORGET_VERSION } from '../lua.js';

/**
 * Gives an entity without indexes a new time to live. It forgets the version, too: that ends with the
 * entity, and so with the time that it was given for. One round trip.
 *
 * @returns whether there is such an entity
 * @throws the driver's error
 * @internal
 */
export async function expireEntity(client: RedisClient, key: string, ttl: TtlMs): Promise<boolean> {
  return (await EXPIRE.run(client, [key, versionBeside(key)], [String(ttl)])) === 1;
}

/** KEYS: entity, version. ARGV: ttl. */
const EXPIRE = new RedisScript(`
${FORGET_VERSION}
refuse_unless_forgettable(KEYS[2])
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
if ARGV[1] == 'forever' then
  redis.call('PERSIST', KEYS[1])
else
  redis.call('PEXPIRE', KEYS[1], ARGV[1])
end
forget_version(KEYS[2])
return 1
`);
