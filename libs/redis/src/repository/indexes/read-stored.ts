import { READ_STRING } from '../../connection/driver/read-string.js';
import { RedisScript } from '../../connection/driver/redis-script.js';
import type { RedisClient } from '../../connection/options/options.js';

/**
 * What is stored now, as the primary has it: whether an index entry is stale must not be told by a
 * replica (`scaleReads`) that lags behind. Of another type than string counts as nothing. One round trip.
 *
 * @throws the driver's error
 * @internal
 */
export async function readStored(client: RedisClient, key: string): Promise<string | null> {
  return (await READ.run(client, [key], [])) as string | null;
}

/** A script is no read-only command to the driver, and goes to the primary. KEYS: entity. */
const READ = new RedisScript(`
${READ_STRING}
return read_string(KEYS[1])
`);
