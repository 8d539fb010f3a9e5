import { RedisScript } from '../../connection/keyspace/redis-script.js';
import type { RedisClient } from '../../connection/options/options.js';
import type { EntityWrite, EntityWriter, Outcome } from './entity-writer.js';
import { WRITE_ENTITY } from './lua.js';

/**
 * Writes entities that have no indexes: one key, one command, one round trip.
 *
 * @internal
 */
export class PlainWriter implements EntityWriter {
  readonly #client: RedisClient;

  constructor(client: RedisClient) {
    this.#client = client;
  }

  async write({ key, text, ttl, expected }: EntityWrite): Promise<Outcome> {
    if (expected === undefined) {
      if (ttl === 'forever') await this.#client.set(key, text);
      else if (ttl === 'keep') await this.#client.set(key, text, 'KEEPTTL');
      else await this.#client.set(key, text, 'PX', ttl);
      return { written: true };
    }
    const reply = await COMPARE_AND_SET.run(this.#client, [key], [expected, text, String(ttl)]);
    const [written, current] = reply as [0 | 1, string | null];
    return written === 1 ? { written: true } : { written: false, current };
  }

  async remove(_id: string, key: string): Promise<boolean> {
    return (await this.#client.unlink(key)) === 1;
  }
}

/** KEYS: entity. ARGV: expected text, text, ttl. */
const COMPARE_AND_SET = new RedisScript(`
${WRITE_ENTITY}
local current = read_entity(KEYS[1])
if current ~= ARGV[1] then return {0, current} end
write_entity(KEYS[1], ARGV[2], ARGV[3])
return {1, false}
`);
