import { NOW, READ_TEXT, TTL_OPTIONS } from '../../connection/driver/lua.js';
import { RedisScript } from '../../connection/driver/redis-script.js';
import type { RedisClient } from '../../connection/options/options.js';
import { versionBeside } from '../../keys/sibling.js';
import {
  byKind,
  endsOf,
  memberOf,
  type EntityIndexes,
  type EntriesByKind,
  type IndexEntry,
} from '../indexes/entity-indexes.js';
import type { IndexCleaner } from '../indexes/index-cleaner.js';
import type { UniqueConflicts } from '../indexes/ownership.js';
import {
  ADD_ENTRY,
  ADD_RANGE_ENTRY,
  EXPIRE_WITH_LAST,
  FORGET_VERSION,
  randomMargin,
} from '../lua.js';
import type { Commit, Committed, EntityWrite, WriteTtl } from './entity-writer.js';
import { RESERVATION_MS, Reservations } from './reservations.js';

/** The answer of PTTL for a missing key: the entity was deleted after the update had read it. */
const GONE = -2;

/**
 * Writes an entity whose index entries live on other servers of a cluster, in three stages of one
 * round trip each (and one more for each unique value, and to learn the time to live that an update
 * keeps):
 *
 * 1. reserve the unique values and add the entries,
 * 2. write the entity,
 * 3. settle the reservations and add the entries once more: a reader that found them before there was
 *    an entity may have removed them.
 *
 * A save that is interrupted leaves entries that point to nothing, which readers skip and remove. A save
 * that is held up for longer than its reservation lasts may find a value taken, and then takes back
 * what it wrote.
 *
 * @internal
 */
export class StagedCommit implements Commit {
  readonly #client: RedisClient;
  readonly #indexes: EntityIndexes;
  readonly #conflicts: UniqueConflicts;
  readonly #cleaner: IndexCleaner;

  constructor(
    client: RedisClient,
    indexes: EntityIndexes,
    conflicts: UniqueConflicts,
    cleaner: IndexCleaner,
  ) {
    this.#client = client;
    this.#indexes = indexes;
    this.#conflicts = conflicts;
    this.#cleaner = cleaner;
  }

  async commit(write: EntityWrite, entries: EntriesByKind): Promise<Committed> {
    const staged = await this.#stage(write, entries);
    if (!staged.written || staged.lost === undefined) return staged;
    await this.#undo(write, staged);
    await this.#cleaner.clean(write.id, write.key, [...entries.sets, ...entries.ranges]);
    throw this.#conflicts.conflict(staged.lost, write.key);
  }

  async #stage(write: EntityWrite, entries: EntriesByKind): Promise<Staged> {
    const ttl = await this.#provisionalTtl(write);
    const reservations = new Reservations(this.#client, this.#conflicts, write, ttl);
    try {
      await reservations.reserve(entries.uniques);
      await this.#add(entries, write.id, ttl);
    } catch (error) {
      await reservations.release().catch(() => undefined); // they end by themselves
      throw error;
    }
    const result = await this.#writeEntity(write);
    if (!result.written) {
      await reservations.release();
      await this.#cleaner.clean(write.id, write.key, [...entries.sets, ...entries.ranges]);
      return result;
    }
    const left = asTtl(result.leftMs);
    const adding = this.#add(entries, write.id, left);
    const [lost] = await Promise.all([reservations.settle(left), adding]);
    return { ...result, lost };
  }

  /**
   * Goes back to what was stored before, unless another save has written since: with its entries, which
   * others may have found stale meanwhile, and its unique values, or else without those.
   */
  async #undo(
    { id, key, text }: EntityWrite,
    { previous, previousLeftMs }: Written,
  ): Promise<void> {
    const ttl = asTtl(previousLeftMs);
    if (previous !== null) {
      const entries = byKind(this.#indexes.entriesOf(previous));
      const back = { id, key, text: previous, ttl, expected: text };
      const staged = await this.#stage(back, entries).catch(() => undefined);
      if (staged) return;
    }
    const before = previous === null ? [] : [previous, String(ttl)];
    await TAKE_BACK.run(this.#client, [key, versionBeside(key)], [text, ...before]);
  }

  /** The time to live that the first stage assumes; the third stage knows it. */
  async #provisionalTtl({ key, ttl }: EntityWrite): Promise<WriteTtl> {
    if (ttl !== 'keep') return ttl;
    const leftMs = await this.#client.pttl(key);
    return leftMs === GONE ? RESERVATION_MS : asTtl(leftMs);
  }

  async #add({ sets, ranges }: EntriesByKind, id: string, ttl: WriteTtl): Promise<void> {
    const args = (member: string) => [member, String(ttl), randomMargin()];
    const added = sets.map(({ key }) => ADD.run(this.#client, [key], args(id)));
    for (const entry of ranges) {
      const keys = [entry.key, endsOf(entry)];
      added.push(ADD_TO_RANGE.run(this.#client, keys, args(memberOf(entry, id))));
    }
    await Promise.all(added);
  }

  async #writeEntity({ key, text, ttl, expected }: EntityWrite): Promise<Written | Refused> {
    const condition = expected === undefined ? 'any' : 'expected';
    const args = [condition, expected ?? '', text, String(ttl)];
    const reply = await WRITE.run(this.#client, [key, versionBeside(key)], args);
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
}

/** Makes a time to live for a write of the answer of PTTL. */
function asTtl(leftMs: number): WriteTtl {
  return leftMs < 0 ? 'forever' : Math.max(1, leftMs);
}

interface Written {
  readonly written: true;
  readonly previous: string | null;
  readonly previousLeftMs: number;
  readonly leftMs: number;
}

interface Refused {
  readonly written: false;
  readonly current: string | null;
}

/** `lost` is a unique value that another entity has by now. */
type Staged = Refused | (Written & { readonly lost: IndexEntry | undefined });

/** KEYS: sorted set. ARGV: id, ttl, margin. */
const ADD = new RedisScript(`
${NOW}
${EXPIRE_WITH_LAST}
${ADD_ENTRY}
add_entry(KEYS[1], ARGV[1], ARGV[2], ARGV[3], true)
`);

/** KEYS: range, its ends. ARGV: member, ttl, margin. */
const ADD_TO_RANGE = new RedisScript(`
${NOW}
${EXPIRE_WITH_LAST}
${ADD_ENTRY}
${ADD_RANGE_ENTRY}
add_range_entry(KEYS[1], KEYS[2], ARGV[1], ARGV[2], ARGV[3], true)
`);

/** KEYS: entity, version. ARGV: condition, expected text, text, ttl. */
const WRITE = new RedisScript(`
${READ_TEXT}
${TTL_OPTIONS}
${FORGET_VERSION}
local current = read_text(KEYS[1])
if ARGV[1] == 'expected' and current ~= ARGV[2] then return {0, current} end
local before = redis.call('PTTL', KEYS[1])
refuse_unless_forgettable(KEYS[2])
redis.call('SET', KEYS[1], ARGV[3], ttl_options(ARGV[4]))
forget_version(KEYS[2])
return {1, current, before, redis.call('PTTL', KEYS[1])}
`);

/**
 * KEYS: entity, version. ARGV: the text that was written, then if there was one the text before and
 * its ttl.
 */
const TAKE_BACK = new RedisScript(`
${READ_TEXT}
${TTL_OPTIONS}
${FORGET_VERSION}
if read_text(KEYS[1]) ~= ARGV[1] then return 0 end
if ARGV[2] then
  redis.call('SET', KEYS[1], ARGV[2], ttl_options(ARGV[3]))
else
  redis.call('DEL', KEYS[1])
end
forget_version(KEYS[2])
return 1
`);
