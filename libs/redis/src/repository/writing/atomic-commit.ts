import { NOW, READ_TEXT, TTL_OPTIONS } from '../../connection/driver/lua.js';
import { RedisScript } from '../../connection/driver/redis-script.js';
import type { RedisClient } from '../../connection/options/options.js';
import { versionBeside } from '../../keys/sibling.js';
import {
  endsOf,
  memberOf,
  type EntriesByKind,
  type IndexEntry,
} from '../indexes/entity-indexes.js';
import {
  newToken,
  READ_OWNERSHIP,
  settledOwnership,
  type Ownership,
  type UniqueConflicts,
} from '../indexes/ownership.js';
import {
  ADD_ENTRY,
  ADD_RANGE_ENTRY,
  EXPIRE_WITH_LAST,
  FORGET_VERSION,
  randomMargin,
} from '../lua.js';
import type { Commit, Committed, EntityWrite } from './entity-writer.js';

/**
 * Writes an entity and all of its index entries in one script, which nothing interrupts: for servers
 * that hold every key. One round trip, and two more for each value that an entity which is gone had.
 *
 * @internal
 */
export class AtomicCommit implements Commit {
  readonly #client: RedisClient;
  readonly #conflicts: UniqueConflicts;

  constructor(client: RedisClient, conflicts: UniqueConflicts) {
    this.#client = client;
    this.#conflicts = conflicts;
  }

  async commit(write: EntityWrite, entries: EntriesByKind): Promise<Committed> {
    const abandoned = new Map<IndexEntry, Ownership>();
    for (;;) {
      const reply = await this.#run(write, entries, abandoned);
      if (reply[0] === 'written') return { written: true, previous: reply[1] };
      if (reply[0] === 'changed') return { written: false, current: reply[1] };
      const [, index, ownership, reserved] = reply;
      const entry = entries.uniques[index - 1] as IndexEntry;
      await this.#conflicts.settle(entry, { ownership, reserved: reserved === 1 }, write.key);
      abandoned.set(entry, ownership);
    }
  }

  async #run(
    { id, key, text, ttl, expected }: EntityWrite,
    { uniques, sets, ranges }: EntriesByKind,
    abandoned: ReadonlyMap<IndexEntry, Ownership>,
  ): Promise<Reply> {
    const keys = [key, versionBeside(key)];
    for (const entry of uniques) keys.push(entry.key);
    for (const entry of sets) keys.push(entry.key);
    for (const entry of ranges) keys.push(entry.key, endsOf(entry));
    const args = [
      expected === undefined ? 'any' : 'expected',
      expected ?? '',
      text,
      String(ttl),
      id,
      settledOwnership(newToken(), id),
      randomMargin(),
      String(uniques.length),
      ...uniques.map((entry) => abandoned.get(entry) ?? ''),
      ...ranges.map((entry) => memberOf(entry, id)),
    ];
    return (await WRITE.run(this.#client, keys, args)) as Reply;
  }
}

type Reply =
  | ['written', previous: string | null]
  | ['changed', current: string | null]
  | ['taken', index: number, ownership: Ownership, reserved: 0 | 1];

/**
 * KEYS: entity, version, ownerships, sorted sets, for each range its two. ARGV: condition, expected text, text,
 * ttl, id, our ownership, margin, how many ownerships, then for each of them the abandoned one that may be
 * replaced or '', and for each range the member.
 */
const WRITE = new RedisScript(`
${NOW}
${READ_TEXT}
${TTL_OPTIONS}
${FORGET_VERSION}
${EXPIRE_WITH_LAST}
${ADD_ENTRY}
${ADD_RANGE_ENTRY}
${READ_OWNERSHIP}
local entity, version, id, ownership = KEYS[1], KEYS[2], ARGV[5], ARGV[6]
local uniques = tonumber(ARGV[8])
local ranges = #ARGV - 8 - uniques
local sets = #KEYS - 2 - uniques - 2 * ranges
local current = read_text(entity)
if ARGV[1] == 'expected' and current ~= ARGV[2] then return {'changed', current} end
for i = 1, uniques do
  local standing = redis.call('GET', KEYS[2 + i])
  if standing and owner_of(standing) ~= id and standing ~= ARGV[8 + i] then
    return {'taken', i, standing, is_reserved(standing) and 1 or 0}
  end
end
local left = ARGV[4]
if left == 'keep' then
  left = redis.call('PTTL', entity)
  if left < 0 then left = 'forever' else left = math.max(left, 1) end
end
refuse_unless_forgettable(version)
-- What can fail, because a key holds another type, comes before what cannot.
for i = 1, sets do add_entry(KEYS[2 + uniques + i], id, left, ARGV[7]) end
for i = 1, ranges do
  local at = 2 + uniques + sets + 2 * i
  add_range_entry(KEYS[at - 1], KEYS[at], ARGV[8 + uniques + i], left, ARGV[7])
end
for i = 1, uniques do redis.call('SET', KEYS[2 + i], ownership, ttl_options(left)) end
redis.call('SET', entity, ARGV[3], ttl_options(ARGV[4]))
forget_version(version)
return {'written', current}
`);
