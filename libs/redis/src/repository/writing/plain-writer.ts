import { READ_TEXT, TTL_OPTIONS } from '../../connection/driver/lua.js';
import { RedisScript } from '../../connection/driver/redis-script.js';
import type { RedisClient } from '../../connection/options/options.js';
import { versionBeside } from '../../keys/entity-dependency.js';
import { FORGET_VERSION } from '../lua.js';
import type { EntityWrite, EntityWriter, Outcome } from './entity-writer.js';
import { SaveCoalescer } from './save-coalescer.js';

/**
 * Writes entities that have no indexes: one script, one round trip. Saves of the same turn share them.
 *
 * @internal
 */
export class PlainWriter implements EntityWriter {
  readonly #client: RedisClient;
  readonly #saves: SaveCoalescer;

  constructor(client: RedisClient) {
    this.#client = client;
    this.#saves = new SaveCoalescer(client);
  }

  async write({ key, text, ttl, expected }: EntityWrite): Promise<Outcome> {
    if (expected === undefined) {
      await this.#saves.save({ key, text, ttl });
      return { written: true };
    }
    const keys = [key, versionBeside(key)];
    const reply = await COMPARE_AND_SET.run(this.#client, keys, [expected, text, String(ttl)]);
    const [written, current] = reply as [0 | 1, string | null];
    return written === 1 ? { written: true } : { written: false, current };
  }

  async remove(_id: string, key: string): Promise<boolean> {
    return (await REMOVE.run(this.#client, [key, versionBeside(key)], [])) === 1;
  }
}

/** KEYS: entity, version. ARGV: expected text, text, ttl. */
const COMPARE_AND_SET = new RedisScript(`
${READ_TEXT}
${TTL_OPTIONS}
${FORGET_VERSION}
local current = read_text(KEYS[1])
if current ~= ARGV[1] then return {0, current} end
refuse_unless_forgettable(KEYS[2])
redis.call('SET', KEYS[1], ARGV[2], ttl_options(ARGV[3]))
forget_version(KEYS[2])
return {1, false}
`);

/** KEYS: entity, version. */
const REMOVE = new RedisScript(`
local existed = redis.call('UNLINK', KEYS[1])
redis.call('UNLINK', KEYS[2])
return existed
`);
