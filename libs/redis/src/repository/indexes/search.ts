import type { Reading } from '../../batch/multi-key.js';
import { valueOf } from './conditions.js';
import { cursorOf, type Sort } from './position.js';
import type { Query } from './queries.js';
import { RANK_LENGTH, rankOf } from './rank.js';

/** An entity that an index points to, as it is stored; or why it could not be read. */
export interface Indexed {
  readonly key: string;
  readonly reading: Exclude<Reading, null>;
}

/** Entities, and the cursor of the next page if more of them may follow. */
export interface Found {
  readonly entities: readonly Indexed[];
  readonly cursor: string | null;
}

/**
 * Collects what one query finds, each entity once.
 *
 * @internal
 */
export class Search {
  readonly query: Query;
  readonly #found = new Map<string, Placed>();
  readonly #failed: Indexed[] = [];

  constructor(query: Query) {
    this.query = query;
  }

  get count(): number {
    return this.#found.size;
  }

  /** Whether an entity could not be read: the caller is told, and the rest is not looked for. */
  get hasFailed(): boolean {
    return this.#failed.length > 0;
  }

  /** @param plain `undefined` for a text that cannot be read: who wants entities has to be told of it */
  isMetBy(plain: object | undefined): boolean {
    if (plain === undefined) return this.query.isCount !== true;
    return this.query.conditions.every(({ property, isMetBy }) =>
      isMetBy(valueOf(plain, property)),
    );
  }

  /** Adds an entity. With a sort it gets its place by the value that was read; without that value it has none. */
  add(indexed: Indexed, id: string, plain: object | undefined): void {
    const { sort } = this.query;
    const rank = sort && plain ? rankOf(valueOf(plain, sort.property)) : '';
    if (rank !== undefined) this.addAt(rank + id, indexed);
  }

  /** Adds an entity at its place in a range index. */
  addAt(member: string, { key, reading }: Indexed): void {
    if (this.#found.has(key)) return;
    this.#found.set(key, { key, member, reading: this.query.isCount ? '' : reading });
  }

  fail(failed: Indexed): void {
    this.#failed.push(failed);
  }

  unsorted(): Found {
    return {
      entities: this.#told([...this.#found.values()].slice(0, this.query.limit)),
      cursor: null,
    };
  }

  /** Sorts what was found in any order, and takes those of the page. */
  sorted(sort: Sort & { readonly after: string | undefined }): Found {
    const { after, order } = sort;
    const compare =
      order === 'asc' ? compareMembers : (a: string, b: string) => compareMembers(b, a);
    const placed = [...this.#found.values()]
      .filter(({ member }) => after === undefined || compare(member, after) > 0)
      .sort((a, b) => compare(a.member, b.member));
    return this.#page(placed, sort, undefined);
  }

  /** Takes those of the page of what was found in order. @param last the last member, if more may follow */
  inOrder(sort: Sort, last: string | undefined): Found {
    return this.#page([...this.#found.values()], sort, last);
  }

  #page(placed: readonly Placed[], sort: Sort, last: string | undefined): Found {
    const { limit = Infinity } = this.query;
    const taken = placed.slice(0, limit);
    const end = placed.length > limit ? taken.at(-1)?.member : last;
    return { entities: this.#told(taken), cursor: end === undefined ? null : cursorOf(sort, end) };
  }

  #told(placed: readonly Indexed[]): readonly Indexed[] {
    return this.#failed.length === 0 ? placed : [...placed, ...this.#failed];
  }
}

interface Placed extends Indexed {
  readonly member: string;
}

/** Compares members as Redis does: by the bytes of their ids where the values are equal. */
function compareMembers(a: string, b: string): number {
  const [rankOfA, rankOfB] = [a.slice(0, RANK_LENGTH), b.slice(0, RANK_LENGTH)];
  if (rankOfA !== rankOfB) return rankOfA < rankOfB ? -1 : 1;
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
