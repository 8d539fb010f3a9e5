import { NOW, TTL_OPTIONS } from '../../connection/driver/lua.js';
import { RedisScript } from '../../connection/driver/redis-script.js';
import type { RedisClient } from '../../connection/options/options.js';
import type { IndexEntry } from '../indexes/entity-indexes.js';
import {
  newToken,
  READ_OWNERSHIP,
  settledOwnership,
  type Ownership,
  type UniqueConflicts,
} from '../indexes/ownership.js';
import type { EntityWrite, WriteTtl } from './entity-writer.js';

/**
 * How long a value is reserved for a save, in milliseconds: longer than its commands may take with the
 * usual `commandTimeout`.
 */
export const RESERVATION_MS = 10_000;

/**
 * Reserves unique values for the entity of one save, each at its own key.
 *
 * @internal
 */
export class Reservations {
  readonly #client: RedisClient;
  readonly #conflicts: UniqueConflicts;
  readonly #write: EntityWrite;
  readonly #ttl: WriteTtl;
  readonly #token = newToken();
  /** The ownership at each key before. */
  readonly #previous = new Map<IndexEntry, Ownership | null>();

  /** @param ttl how long the entity is going to live */
  constructor(client: RedisClient, conflicts: UniqueConflicts, write: EntityWrite, ttl: WriteTtl) {
    this.#client = client;
    this.#conflicts = conflicts;
    this.#write = write;
    this.#ttl = ttl;
  }

  /**
   * One after the other, always in the same order: of two saves that want the same values one wins.
   *
   * @throws RedisConflictException if one is taken; those before it stay reserved
   */
  async reserve(uniques: readonly IndexEntry[]): Promise<void> {
    for (const entry of uniques) this.#previous.set(entry, await this.#reserve(entry));
  }

  /** Gives up what was reserved, where no other save has written since. */
  async release(): Promise<void> {
    await Promise.all(
      [...this.#previous].map(([{ key }, previous]) =>
        RELEASE.run(this.#client, [key], [this.#token, newToken(), previous ?? '']),
      ),
    );
  }

  /**
   * Settles what was reserved: the entity has been written.
   *
   * @returns a value that another entity has by now, if there is one
   */
  async settle(left: WriteTtl): Promise<IndexEntry | undefined> {
    const uniques = [...this.#previous.keys()];
    const { id } = this.#write;
    const settled = await Promise.all(
      uniques.map(({ key }) => {
        const args = [this.#token, settledOwnership(newToken(), id), id, String(left)];
        return SETTLE.run(this.#client, [key], args);
      }),
    );
    return uniques.find((_, i) => settled[i] !== 1);
  }

  async #reserve(entry: IndexEntry): Promise<Ownership | null> {
    const { id, key } = this.#write;
    let abandoned = '';
    for (;;) {
      const args = [this.#token, id, String(RESERVATION_MS), String(this.#ttl), abandoned];
      const reply = (await RESERVE.run(this.#client, [entry.key], args)) as Reply;
      if (reply[0] === 'reserved') return reply[1];
      const [, ownership, reserved] = reply;
      await this.#conflicts.settle(entry, { ownership, reserved: reserved === 1 }, key);
      abandoned = ownership;
    }
  }
}

type Reply =
  ['reserved', previous: Ownership | null] | ['taken', ownership: Ownership, reserved: 0 | 1];

/**
 * Gives an ownership the time to live of its entity, and never a shorter one than it has: of saves at the
 * same time it is not known which one the entity is from.
 */
const WRITE_OWNERSHIP = `
local function write_ownership(key, ownership, standing, ttl)
  if standing and ttl ~= 'forever' then
    local left = redis.call('PTTL', key)
    if left < 0 then ttl = 'forever' else ttl = math.max(left, tonumber(ttl)) end
  end
  redis.call('SET', key, ownership, ttl_options(ttl))
end
`;

/**
 * The ownership lives as long as the entity will from the start: should the save never settle it, the
 * entity, if it was written, keeps its value. KEYS: ownership. ARGV: token, id, time of the reservation,
 * ttl, the abandoned ownership that may be replaced or ''.
 */
const RESERVE = new RedisScript(`
${NOW}
${TTL_OPTIONS}
${READ_OWNERSHIP}
${WRITE_OWNERSHIP}
local standing, id = redis.call('GET', KEYS[1]), ARGV[2]
local is_own = standing and owner_of(standing) == id
if standing and not is_own and standing ~= ARGV[5] then
  return {'taken', standing, is_reserved(standing) and 1 or 0}
end
local ownership = ARGV[1] .. ':' .. string.format('%013.0f', now() + ARGV[3]) .. ':' .. id
write_ownership(KEYS[1], ownership, standing, ARGV[4])
return {'reserved', is_own and standing}
`);

/**
 * Puts back what stood there before, but with a new token: a cleaner that looked at it then might remove
 * it now, although another save has made use of it since. KEYS: ownership. ARGV: token, new token, the
 * ownership before or ''.
 */
const RELEASE = new RedisScript(`
local standing = redis.call('GET', KEYS[1])
if not standing or string.sub(standing, 1, 16) ~= ARGV[1] then return 0 end
if ARGV[3] == '' then
  redis.call('DEL', KEYS[1])
else
  redis.call('SET', KEYS[1], ARGV[2] .. string.sub(ARGV[3], 17), 'KEEPTTL')
end
return 1
`);

/**
 * Where another save of the same entity has reserved the value since, it stays reserved: that save is
 * under way. The token is a new one then, too, for the reason that RELEASE has. KEYS: ownership. ARGV:
 * token, settled ownership, id, ttl.
 */
const SETTLE = new RedisScript(`
${NOW}
${TTL_OPTIONS}
${READ_OWNERSHIP}
${WRITE_OWNERSHIP}
local standing, ownership = redis.call('GET', KEYS[1]), ARGV[2]
if standing and owner_of(standing) ~= ARGV[3] then return 0 end
if standing and string.sub(standing, 1, 16) ~= ARGV[1] then
  ownership = string.sub(ownership, 1, 16) .. string.sub(standing, 17)
end
write_ownership(KEYS[1], ownership, standing, ARGV[4])
return 1
`);
