import type { Connection } from '../../connection/connection.js';
import { READ_TEXT, TTL_OPTIONS } from '../../connection/driver/lua.js';
import { RedisScript } from '../../connection/driver/redis-script.js';
import { versionBeside } from '../../keys/sibling.js';
import type { TtlMs } from '../../time/ttl.js';
import { FORGET_VERSION } from '../lua.js';
import type { EntityWrite, EntityWriter, Outcome } from './entity-writer.js';
import { CoalescedWrites, type WriteScript } from './coalesced-writes.js';

/**
 * Writes entities that have no indexes: one script, one round trip. Saves of the same turn share one, and so do
 * updates.
 *
 * @internal
 */
export class PlainWriter implements EntityWriter {
  readonly #connection: Connection;
  readonly #saves: CoalescedWrites<EntityWrite>;
  readonly #revisions: CoalescedWrites<Revision>;

  constructor(connection: Connection) {
    this.#connection = connection;
    this.#saves = new CoalescedWrites(connection, SAVES);
    this.#revisions = new CoalescedWrites(connection, REVISIONS);
  }

  write(write: EntityWrite): Promise<Outcome> {
    return isRevision(write) ? this.#revisions.write(write) : this.#saves.write(write);
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

/** A write on condition that an entity is still as it was read. */
type Revision = EntityWrite & { readonly expected: string };

function isRevision(write: EntityWrite): write is Revision {
  return write.expected !== undefined;
}

const WRITTEN: Outcome = { written: true };

/**
 * Writes several entities. A SET that can fail, for a full memory, fails at the first entity. KEYS: for each
 * an entity and its version. ARGV: for each a text and ttl.
 */
const SAVES: WriteScript<EntityWrite> = {
  script: new RedisScript(`
${TTL_OPTIONS}
${FORGET_VERSION}
refuse_unless_forgettable(KEYS[2])
for i = 1, #KEYS, 2 do
  redis.call('SET', KEYS[i], ARGV[i], ttl_options(ARGV[i + 1]))
  forget_version(KEYS[i + 1])
end
`),
  addArgs: (args, { text, ttl }) => args.push(text, String(ttl)),
  outcomeOf: () => WRITTEN,
};

/**
 * Writes several entities, each on its own condition. What fails at one of several entities fails there only:
 * the others may have been written, and could not be tried again. It is tried again in a script of its own,
 * whose error tells its caller why; where only the version could not be removed, on condition of the text
 * that was written (Redis 6 tells of that too late).
 *
 * KEYS: for each an entity and its version. ARGV: for each the expected text, text, ttl.
 */
const REVISIONS: WriteScript<Revision> = {
  script: new RedisScript(`
${READ_TEXT}
${TTL_OPTIONS}
${FORGET_VERSION}
local is_written
local function revise(entity, version, expected, text, ttl)
  is_written = false
  local current = read_text(entity)
  if current ~= expected then return {0, current} end
  refuse_unless_forgettable(version)
  redis.call('SET', entity, text, ttl_options(ttl))
  is_written = true
  forget_version(version)
  return 1
end
if #KEYS == 2 then return {revise(KEYS[1], KEYS[2], ARGV[1], ARGV[2], ARGV[3])} end
local outcomes = {}
for i = 1, #KEYS, 2 do
  local at = (i - 1) / 2 * 3
  local done, outcome = pcall(revise, KEYS[i], KEYS[i + 1], ARGV[at + 1], ARGV[at + 2], ARGV[at + 3])
  if not done then outcome = is_written and 3 or 2 end
  outcomes[#outcomes + 1] = outcome
end
return outcomes
`),
  addArgs: (args, { expected, text, ttl }) => args.push(expected, text, String(ttl)),
  outcomeOf: (reply, i, write) => {
    const outcome = (reply as readonly (1 | 2 | 3 | [0, string | null])[])[i];
    if (outcome === 1) return WRITTEN;
    if (Array.isArray(outcome)) return { written: false, current: outcome[1] };
    return { alone: outcome === 3 ? { ...write, expected: write.text } : write };
  },
};

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
