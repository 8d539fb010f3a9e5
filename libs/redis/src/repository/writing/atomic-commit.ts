import { RedisScript } from '../../connection/driver/redis-script.js';
import type { RedisClient } from '../../connection/options/options.js';
import { versionBeside } from '../../keys/entity-dependency.js';
import { newToken, READ_CLAIM, settledClaim, type Claim } from '../indexes/claim.js';
import type { IndexEntry } from '../indexes/entity-indexes.js';
import type { EntityWrite } from './entity-writer.js';
import type { Commit, Committed } from './indexed-writer.js';
import { ADD_ENTRY, FORGET_VERSION, randomMargin, WRITE_ENTITY } from '../lua.js';
import type { UniqueConflicts } from './unique-conflicts.js';

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

  async commit(
    write: EntityWrite,
    claims: readonly IndexEntry[],
    sets: readonly IndexEntry[],
  ): Promise<Committed> {
    const abandoned = new Map<IndexEntry, Claim>();
    for (;;) {
      const reply = await this.#run(write, claims, sets, abandoned);
      if (reply[0] === 'written') return { written: true, previous: reply[1] };
      if (reply[0] === 'changed') return { written: false, current: reply[1] };
      const [, index, claim, reserved] = reply;
      const entry = claims[index - 1] as IndexEntry;
      await this.#conflicts.settle(entry, { claim, reserved: reserved === 1 }, write.key);
      abandoned.set(entry, claim);
    }
  }

  async #run(
    { id, key, text, ttl, expected }: EntityWrite,
    claims: readonly IndexEntry[],
    sets: readonly IndexEntry[],
    abandoned: ReadonlyMap<IndexEntry, Claim>,
  ): Promise<Reply> {
    const entries = [...claims, ...sets].map((entry) => entry.key);
    const args = [
      expected === undefined ? 'any' : 'expected',
      expected ?? '',
      text,
      String(ttl),
      id,
      settledClaim(newToken(), id),
      randomMargin(),
      ...claims.map((claim) => abandoned.get(claim) ?? ''),
    ];
    return (await WRITE.run(this.#client, [key, versionBeside(key), ...entries], args)) as Reply;
  }
}

type Reply =
  | ['written', previous: string | null]
  | ['changed', current: string | null]
  | ['taken', index: number, claim: Claim, reserved: 0 | 1];

/**
 * KEYS: entity, version, claims, sorted sets. ARGV: condition, expected text, text, ttl, id, our claim, margin,
 * then for each claim the abandoned one that may be replaced, or ''.
 */
const WRITE = new RedisScript(`
${WRITE_ENTITY}
${FORGET_VERSION}
${ADD_ENTRY}
${READ_CLAIM}
local entity, version, id, claim = KEYS[1], KEYS[2], ARGV[5], ARGV[6]
local claims = #ARGV - 7
local current = read_entity(entity)
if ARGV[1] == 'expected' and current ~= ARGV[2] then return {'changed', current} end
for i = 1, claims do
  local standing = redis.call('GET', KEYS[2 + i])
  if standing and owner_of(standing) ~= id and standing ~= ARGV[7 + i] then
    return {'taken', i, standing, is_reserved(standing) and 1 or 0}
  end
end
local left = ARGV[4]
if left == 'keep' then
  left = redis.call('PTTL', entity)
  if left < 0 then left = 'forever' else left = math.max(left, 1) end
end
expect_to_forget(version)
-- What can fail, because a key holds another type, comes before what cannot.
for i = 3 + claims, #KEYS do add_entry(KEYS[i], id, left, ARGV[7]) end
for i = 1, claims do write_entity(KEYS[2 + i], claim, left) end
write_entity(entity, ARGV[3], ARGV[4])
forget(version)
return {'written', current}
`);
