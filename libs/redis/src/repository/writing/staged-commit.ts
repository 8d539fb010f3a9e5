import { RedisScript } from '../../connection/keyspace/redis-script.js';
import type { RedisClient } from '../../connection/options/options.js';
import { newToken, pendingClaim, settledClaim, type Claim } from '../indexes/claim.js';
import type { IndexEntry } from '../indexes/entity-indexes.js';
import { REMOVE_CLAIM, type IndexCleaner } from '../indexes/index-cleaner.js';
import type { EntityWrite, WriteTtl } from './entity-writer.js';
import type { Commit, Committed } from './indexed-writer.js';
import { ADD_ENTRY, OWNER_OF_CLAIM, randomMargin, WRITE_ENTITY } from './lua.js';
import type { UniqueConflicts } from './unique-conflicts.js';

/**
 * How long a claim stands whose save has not come to its end, in milliseconds. A save that takes
 * longer may find its value taken, and then takes back what it wrote.
 */
const RESERVATION_MS = 10_000;

/** What PTTL answers for a key that is not there: it was deleted after the update had read it. */
const GONE = -2;

/**
 * Writes an entity whose index entries live on other servers of a cluster, in three stages of one
 * round trip each (and one more for each unique value):
 *
 * 1. reserve the unique values and add the entries,
 * 2. write the entity,
 * 3. settle the reservations and add the entries once more, because somebody who found them before
 *    there was an entity may have removed them.
 *
 * Whatever is interrupted leaves entries that point to nothing, which readers skip and remove, and
 * never an entity that was saved and cannot be found.
 *
 * @internal
 */
export class StagedCommit implements Commit {
  readonly #client: RedisClient;
  readonly #conflicts: UniqueConflicts;
  readonly #cleaner: IndexCleaner;

  constructor(client: RedisClient, conflicts: UniqueConflicts, cleaner: IndexCleaner) {
    this.#client = client;
    this.#conflicts = conflicts;
    this.#cleaner = cleaner;
  }

  async commit(
    write: EntityWrite,
    claims: readonly IndexEntry[],
    sets: readonly IndexEntry[],
  ): Promise<Committed> {
    const token = newToken();
    await this.#prepare(write, claims, sets, token);
    const result = await this.#writeEntity(write);
    if (!result.written) {
      await this.#release(claims, token, write.id);
      await this.#cleaner.clean(write.id, write.key, sets);
      return result;
    }
    const left = asTtl(result.leftMs);
    const [lost] = await Promise.all([
      this.#settle(claims, write.id, left),
      this.#add(sets, write.id, left),
    ]);
    if (lost) {
      await this.#takeBack(write, result.previous, result.previousLeftMs);
      await this.#cleaner.clean(write.id, write.key, sets);
      throw this.#conflicts.conflict(lost);
    }
    return result;
  }

  async #prepare(
    write: EntityWrite,
    claims: readonly IndexEntry[],
    sets: readonly IndexEntry[],
    token: string,
  ): Promise<void> {
    try {
      await this.#reserveAll(claims, token, write.id);
      await this.#add(sets, write.id, await this.#provisionalTtl(write));
    } catch (error) {
      await this.#release(claims, token, write.id).catch(() => undefined); // they end by themselves
      throw error;
    }
  }

  /** What the first stage assumes; the third one knows. */
  async #provisionalTtl({ key, ttl }: EntityWrite): Promise<WriteTtl> {
    if (ttl !== 'keep') return ttl;
    const leftMs = await this.#client.pttl(key);
    return leftMs === GONE ? RESERVATION_MS : asTtl(leftMs);
  }

  /** One after the other, always in the same order: of two saves that want the same values one wins. */
  async #reserveAll(claims: readonly IndexEntry[], token: string, id: string): Promise<void> {
    for (const claim of claims) await this.#reserve(claim, token, id);
  }

  async #reserve(entry: IndexEntry, token: string, id: string): Promise<void> {
    let abandoned = '';
    for (;;) {
      const args = [
        pendingClaim(token, id),
        settledClaim(token, id),
        id,
        String(RESERVATION_MS),
        abandoned,
      ];
      const standing = (await RESERVE.run(this.#client, [entry.key], args)) as Claim | null;
      if (standing === null) return;
      await this.#conflicts.settle(entry, standing);
      abandoned = standing;
    }
  }

  /** Gives up what was only reserved. What the entity had before stays. */
  async #release(claims: readonly IndexEntry[], token: string, id: string): Promise<void> {
    const pending = pendingClaim(token, id);
    await Promise.all(claims.map(({ key }) => REMOVE_CLAIM.run(this.#client, [key], [pending])));
  }

  async #add(sets: readonly IndexEntry[], id: string, ttl: WriteTtl): Promise<void> {
    const args = () => [id, String(ttl), randomMargin()];
    await Promise.all(sets.map(({ key }) => ADD.run(this.#client, [key], args())));
  }

  async #writeEntity({ key, text, ttl, expected }: EntityWrite): Promise<Written> {
    const condition = expected === undefined ? 'any' : 'expected';
    const args = [condition, expected ?? '', text, String(ttl)];
    const reply = await WRITE.run(this.#client, [key], args);
    const [written, previous, previousLeftMs, leftMs] = reply as [
      0 | 1,
      string | null,
      number,
      number,
    ];
    return written === 1
      ? { written: true, previous, previousLeftMs, leftMs }
      : { written: false, current: previous };
  }

  /**
   * With another token than that of the reservation: who looked at that one may have found no entity
   * yet, and must not remove or take over this one.
   *
   * @returns a claim that somebody else has by now, if there is one
   */
  async #settle(
    claims: readonly IndexEntry[],
    id: string,
    left: WriteTtl,
  ): Promise<IndexEntry | undefined> {
    const args = [settledClaim(newToken(), id), id, String(left)];
    const settled = await Promise.all(
      claims.map(({ key }) => SETTLE.run(this.#client, [key], args)),
    );
    return claims.find((_, i) => settled[i] !== 1);
  }

  /** Puts back what was there, unless somebody has written since. */
  async #takeBack(
    { key, text }: EntityWrite,
    previous: string | null,
    previousLeftMs: number,
  ): Promise<void> {
    const ttl = String(asTtl(previousLeftMs));
    await TAKE_BACK.run(this.#client, [key], previous === null ? [text] : [text, previous, ttl]);
  }
}

/** What PTTL answered, as the time to live of something that is written now. */
function asTtl(leftMs: number): WriteTtl {
  return leftMs < 0 ? 'forever' : Math.max(1, leftMs);
}

type Written =
  | {
      readonly written: true;
      readonly previous: string | null;
      readonly previousLeftMs: number;
      readonly leftMs: number;
    }
  | { readonly written: false; readonly current: string | null };

/**
 * A claim of our own stays settled, and gets our token. KEYS: claim. ARGV: pending claim, settled
 * claim, id, time of the reservation, the abandoned claim that may be replaced or ''.
 */
const RESERVE = new RedisScript(`
${OWNER_OF_CLAIM}
local standing = redis.call('GET', KEYS[1])
if standing and owner_of(standing) == ARGV[3] and string.sub(standing, 1, 1) == '=' then
  local left = redis.call('PTTL', KEYS[1])
  if left < 0 then
    redis.call('SET', KEYS[1], ARGV[2])
  else
    redis.call('SET', KEYS[1], ARGV[2], 'PX', math.max(left, tonumber(ARGV[4])))
  end
  return false
end
if standing and owner_of(standing) ~= ARGV[3] and standing ~= ARGV[5] then return standing end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[4])
return false
`);

/** One that lasts longer stays so, as in ADD_ENTRY. KEYS: claim. ARGV: settled claim, id, ttl. */
const SETTLE = new RedisScript(`
${WRITE_ENTITY}
${OWNER_OF_CLAIM}
local standing, ttl = redis.call('GET', KEYS[1]), ARGV[3]
if standing and owner_of(standing) ~= ARGV[2] then return 0 end
if standing and ttl ~= 'forever' then
  local left = redis.call('PTTL', KEYS[1])
  if left < 0 then ttl = 'forever' else ttl = math.max(left, tonumber(ttl)) end
end
write_entity(KEYS[1], ARGV[1], ttl)
return 1
`);

/** KEYS: sorted set. ARGV: id, ttl, margin. */
const ADD = new RedisScript(`
${ADD_ENTRY}
add_entry(KEYS[1], ARGV[1], ARGV[2], ARGV[3], true)
`);

/** KEYS: entity. ARGV: condition, expected text, text, ttl. */
const WRITE = new RedisScript(`
${WRITE_ENTITY}
local current = read_entity(KEYS[1])
if ARGV[1] == 'expected' and current ~= ARGV[2] then return {0, current} end
local before = redis.call('PTTL', KEYS[1])
write_entity(KEYS[1], ARGV[3], ARGV[4])
return {1, current, before, redis.call('PTTL', KEYS[1])}
`);

/** KEYS: entity. ARGV: the text that was written, then if there was one the text before and its ttl. */
const TAKE_BACK = new RedisScript(`
${WRITE_ENTITY}
if read_entity(KEYS[1]) ~= ARGV[1] then return 0 end
if ARGV[2] then write_entity(KEYS[1], ARGV[2], ARGV[3]) else redis.call('DEL', KEYS[1]) end
return 1
`);
