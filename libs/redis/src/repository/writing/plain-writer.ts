import type { Connection } from '../../connection/connection.js';
import { READ_TEXT, TTL_OPTIONS } from '../../connection/driver/lua.js';
import { RedisScript } from '../../connection/driver/redis-script.js';
import { versionBeside } from '../../keys/sibling.js';
import type { TtlMs } from '../../time/ttl.js';
import { FORGET_VERSION } from '../lua.js';
import type { EntityWrite, EntityWriter, Outcome } from './entity-writer.js';
import { SaveCoalescer } from './save-coalescer.js';

/**
 * Writes entities that have no indexes: one script, one round trip. Saves of the same turn share them.
 *
 * @internal
 */
export class PlainWriter implements EntityWriter {
  readonly #connection: Connection;
  readonly #saves: SaveCoalescer;

  constructor(connection: Connection) {
    this.#connection = connection;
    this.#saves = new SaveCoalescer(connection.client);
  }

  async write({ key, text, ttl, expected }: EntityWrite): Promise<Outcome> {
    if (expected === undefined) {
      await this.#connection.run(() => this.#saves.save({ key, text, ttl }));
      return { written: true };
    }
    const reply = await this.#run(COMPARE_AND_SET, key, [expected, text, String(ttl)]);
    const [written, current] = reply as [0 | 1, string | null];
    return written === 1 ? { written: true } : { written: false, current };
  }

  async remove(_id: string, key: string): Promise<boolean> {
    return (await this.#run(REMOVE, key)) === 1;
  }

  /**
   * Gives an entity a new time to live. Its version ends with it, and goes, too: it was given for the old
   * time. One round trip.
   *
   * @returns whether there is such an entity
   */
  async expire(key: string, ttl: TtlMs): Promise<boolean> {
    return (await this.#run(EXPIRE, key, [String(ttl)])) === 1;
  }

  #run(script: RedisScript, key: string, args: readonly string[] = []): Promise<unknown> {
    const { client } = this.#connection;
    return this.#connection.run(() => script.run(client, [key, versionBeside(key)], args));
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
