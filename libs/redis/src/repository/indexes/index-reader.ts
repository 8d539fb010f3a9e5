import { CHUNK_KEYS, sendInChunks } from '../../batch/chunks.js';
import { multiGet } from '../../batch/multi-key.js';
import type { Connection } from '../../connection/connection.js';
import { RedisException } from '../../errors/redis.exception.js';
import { hasEntry, memberOf, plainOf, type IndexEntry } from './entity-indexes.js';
import type { IndexCleaner } from './index-cleaner.js';
import { ownerOf } from './ownership.js';
import type { EntrySource, Query, RangeSource, Source } from './queries.js';
import { RANK_LENGTH } from './rank.js';
import { Search, type Found, type Indexed } from './search.js';
import { spansBehind, type Span } from './spans.js';

/** So many entities are sorted by the process, if another index than that of the sort has no more. */
const FEW = CHUNK_KEYS;

/** A page ends after so many entries of an index, so that one of few entities among many does, too. */
const MOST_ENTRIES_FOR_A_PAGE = 10_000;

/** So many parts of a range are read together. */
const SPANS_AT_ONCE = 10;

/**
 * Finds entities by their index entries. What an entry points to is read and compared, so that an
 * expired, deleted or changed entity never comes back through an index; such entries are removed.
 *
 * @internal
 */
export class IndexReader {
  readonly #connection: Connection;
  readonly #cleaner: IndexCleaner;
  readonly #keyOf: (id: string) => string;

  constructor(connection: Connection, cleaner: IndexCleaner, keyOf: (id: string) => string) {
    this.#connection = connection;
    this.#cleaner = cleaner;
    this.#keyOf = keyOf;
  }

  /**
   * The entities that meet all conditions, in the order of the sort if there is one. Two round trips, and one
   * more if there is a choice between indexes; then as many as {@link #walk} and {@link #look} say.
   */
  async find(query: Query): Promise<readonly Indexed[]> {
    return (await this.#connection.run(() => this.#find(query))).entities;
  }

  /** The entities of one page. Looks at a limited number of entries, however few of them meet the conditions. */
  page(query: Query): Promise<Found> {
    return this.#connection.run(() => this.#find(query, MOST_ENTRIES_FOR_A_PAGE));
  }

  async #find(query: Query, mostEntries = Infinity): Promise<Found> {
    const { sort, limit } = query;
    const source = await this.#choose(query);
    const search = new Search(query);
    if (source === sort?.source) {
      const isDescending = sort.order === 'desc';
      const walk = {
        isDescending,
        after: sort.after,
        enough: (limit ?? Infinity) + 1,
        mostEntries,
      };
      return search.inOrder(sort, await this.#walk(sort.source, search, walk));
    }
    const enough = (sort ? undefined : limit) ?? Infinity;
    if (source.kind === 'range') await this.#walk(source, search, { enough });
    else await this.#look(source, search, enough);
    return sort ? search.sorted(sort) : search.unsorted();
  }

  /** The index with the fewest entries; with a sort only if those are few, because it has to be read whole. */
  async #choose({ sources, sort }: Query): Promise<Source> {
    const [first, ...others] = sources;
    if (!first) return sort?.source as Source;
    if (first.kind === 'unique' || (!sort && others.length === 0)) return first;
    const sizes = await Promise.all(sources.map((source) => this.#sizeOf(source)));
    const least = Math.min(...sizes);
    return sort && least > FEW ? sort.source : (sources[sizes.indexOf(least)] as Source);
  }

  /** How many entries an index has for the conditions, those included that have expired. */
  async #sizeOf(source: Source): Promise<number> {
    const { client } = this.#connection;
    const counts =
      source.kind === 'range'
        ? source.spans.map(({ min, max }) => client.zlexcount(source.key, min, max))
        : source.entries.map(({ key }) => client.zcard(key));
    const numbers: readonly unknown[] = await Promise.all(counts);
    return numbers.reduce<number>((sum, count) => sum + Number(count), 0); // they may be strings
  }

  /** Reads all that stands at some keys, until the search has enough. */
  async #look({ entries }: EntrySource, search: Search, enough: number): Promise<void> {
    const candidates = new Map<string, Candidate>();
    const ids = await Promise.all(entries.map((entry) => this.#idsAt(entry)));
    entries.forEach((entry, i) => {
      for (const id of ids[i] ?? []) this.#add(candidates, id, entry);
    });
    if (enough >= candidates.size) {
      await this.#read(candidates, search);
      return;
    }
    const rest = [...candidates];
    for (let from = 0, count = enough; from < rest.length; from += count, count = more(count)) {
      await this.#read(new Map(rest.slice(from, from + count)), search);
      if (search.hasFailed || search.count >= enough) return;
    }
  }

  /**
   * Reads a range in order, until the search has enough.
   *
   * @returns the last member that was looked at, if that is not the last one of the range
   */
  async #walk(
    source: RangeSource,
    search: Search,
    { isDescending = false, after, enough, mostEntries = Infinity }: WalkOptions,
  ): Promise<string | undefined> {
    const { key, property, spans } = source;
    let rest = isDescending ? [...spans].reverse() : spans;
    if (after !== undefined) rest = spansBehind(rest, after, isDescending);
    let last: string | undefined;
    let looked = 0;
    for (let count = Math.min(enough, CHUNK_KEYS); rest.length > 0; count = more(count)) {
      const members = await this.#members(key, rest, count, isDescending);
      last = members.at(-1) ?? last;
      rest =
        last === undefined || members.length < count
          ? rest.slice(SPANS_AT_ONCE)
          : spansBehind(rest, last, isDescending);
      const candidates = new Map<string, Candidate>();
      for (const member of members) {
        const value = member.slice(0, RANK_LENGTH);
        const entry: IndexEntry = { property, kind: 'range', value, key };
        this.#add(candidates, member.slice(RANK_LENGTH), entry);
      }
      await this.#read(
        candidates,
        search,
        source === search.query.sort?.source ? members : undefined,
      );
      looked += members.length;
      if (search.hasFailed || search.count >= enough || looked >= mostEntries) break;
    }
    return rest.length > 0 ? last : undefined;
  }

  /** The next members, `count` of them if there are as many: all of those in the spans before the last one. */
  async #members(
    key: string,
    spans: readonly Span[],
    count: number,
    isDescending: boolean,
  ): Promise<string[]> {
    const { client } = this.#connection;
    const found = await Promise.all(
      spans
        .slice(0, SPANS_AT_ONCE)
        .map(({ min, max }) =>
          isDescending
            ? client.zrevrangebylex(key, max, min, 'LIMIT', 0, count)
            : client.zrangebylex(key, min, max, 'LIMIT', 0, count),
        ),
    );
    return found.flat().slice(0, count);
  }

  /** @param members the order in which the search is told of them, if it matters */
  async #read(
    candidates: ReadonlyMap<string, Candidate>,
    search: Search,
    members?: readonly string[],
  ): Promise<void> {
    const read = new Map<string, Indexed>();
    const failed = new Map<string, RedisException>();
    await sendInChunks(this.#connection.client, candidates.keys(), failed, async (keys) => {
      const readings = await multiGet(this.#connection, keys);
      const cleaning: Promise<void>[] = [];
      keys.forEach((key, i) => {
        const { id, entries } = candidates.get(key) as Candidate;
        const reading = readings[i] ?? null;
        if (reading instanceof RedisException) {
          failed.set(key, reading);
          return;
        }
        const plain = reading === null ? {} : plainOf(reading);
        const standing = plain ? entries.filter((entry) => hasEntry(plain, entry)) : entries;
        if (standing.length < entries.length) {
          const stale = entries.filter((entry) => !standing.includes(entry));
          cleaning.push(this.#cleaner.clean(id, key, stale));
        }
        const [entry] = standing;
        if (reading === null || !entry || !search.isMetBy(plain)) return;
        const found = { key, reading };
        if (members) read.set(memberOf(entry, id), found);
        else search.add(found, id, plain);
      });
      await Promise.all(cleaning);
    });
    for (const member of members ?? []) {
      const found = read.get(member);
      if (found) search.addAt(member, found);
    }
    for (const [key, reading] of failed) search.fail({ key, reading });
  }

  #add(candidates: Map<string, Candidate>, id: string, entry: IndexEntry): void {
    const key = this.#keyOf(id);
    const candidate = candidates.get(key);
    if (candidate) candidate.entries.push(entry);
    else candidates.set(key, { id, entries: [entry] });
  }

  async #idsAt({ kind, key }: IndexEntry): Promise<string[]> {
    const { client } = this.#connection;
    if (kind !== 'unique') return client.zrange(key, '0', '-1');
    const ownership = await client.get(key);
    const owner = ownership === null ? '' : ownerOf(ownership);
    return owner === '' ? [] : [owner];
  }
}

/** Entries that point to one entity. */
interface Candidate {
  readonly id: string;
  readonly entries: IndexEntry[];
}

interface WalkOptions {
  readonly isDescending?: boolean;
  readonly after?: string | undefined;
  /** So many entities end the walk. */
  readonly enough: number;
  readonly mostEntries?: number;
}

/** How many to read next, where those before were not enough. */
function more(count: number): number {
  return Math.min(count * 2, CHUNK_KEYS);
}
