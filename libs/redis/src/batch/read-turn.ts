import { slotOf } from '../connection/driver/hash-slots.js';
import type { ReadKey, ReadList } from './read-list.js';
import { Group, ListInTurn, MOST_KEYS, NO_SLOT, Part, type ReadSink } from './read-part.js';

/** Numbered across all clients: a list may be read through several. */
let turns = 0;

export interface TurnOptions {
  /** The keys of one part, {@link MOST_KEYS} at most. */
  readonly most: number;
  /** Whether keys of different hash slots need commands of their own. */
  readonly isCluster: boolean;
}

/**
 * What is asked for in one turn of the event loop: keys, each once, in parts of so many at most. Each
 * part is one command to one server, and is settled by its reply alone.
 *
 * A key's place is the number of its part times {@link MOST_KEYS}, plus its index there.
 *
 * @internal
 */
export class Turn {
  readonly #id = ++turns;
  readonly #most: number;
  readonly #isCluster: boolean;
  readonly parts: Part[] = [];
  /** The one that was added to last. */
  #part: Part | undefined;
  /** In a cluster, by hash slot: the one that has room left. */
  readonly #bySlot = new Map<number, Part>();
  readonly #places = new Map<string, number>();
  readonly #lists: ListInTurn[] = [];

  constructor({ most, isCluster }: TurnOptions) {
    this.#most = most;
    this.#isCluster = isCluster;
  }

  read(key: string): Promise<string | null> {
    const place = this.#placeOf(key);
    return this.#partWith(place).readerAt(place).promise;
  }

  readInto(sink: ReadSink, key: string, list: ReadList): void {
    const { length } = list.keys;
    const known = list.turn === this.#id ? this.#lists[list.place] : undefined;
    // What is waited for together travels together, where it can.
    if (length < this.#most && !this.#isCluster) this.#partFor(NO_SLOT, known ? 1 : length + 1);
    const place = this.#placeOf(key);
    const part = this.#partWith(place);
    const beside = known ?? (length === 0 ? undefined : this.#enter(list));
    const group = new Group(sink, part, place, beside);
    part.add(group, place);
    if (beside && !(beside.parts.length === 1 && beside.parts[0] === part)) {
      for (const other of beside.parts) if (other !== part) other.addToo(group);
    }
  }

  #enter(list: ReadList): ListInTurn {
    const entered = this.#addWhole(list) ?? this.#addEach(list);
    list.turn = this.#id;
    list.place = this.#lists.push(entered) - 1;
    return entered;
  }

  /** If none of its keys was asked for before, as it stands. */
  #addWhole(list: ReadList): ListInTurn | undefined {
    const { keys } = list;
    const part = this.#part;
    if (!part || this.#isCluster) return undefined;
    if (part.keys.length + keys.length > this.#most) return undefined;
    for (const { turn } of keys) if (turn === this.#id) return undefined;
    const places = new Array<number>(keys.length);
    for (let i = 0; i < keys.length; i++) {
      const key = keys[i] as ReadKey;
      key.turn = this.#id;
      key.place = places[i] = part.from + part.keys.push(key.key) - 1;
    }
    part.written.push(list);
    return new ListInTurn(places, [part]);
  }

  #addEach({ keys }: ReadList): ListInTurn {
    const places = keys.map((key) => {
      if (key.turn !== this.#id) {
        key.turn = this.#id;
        key.place = this.#add(key.key, this.#isCluster ? key.slot : NO_SLOT);
      }
      return key.place;
    });
    const parts = new Set(places.map((place) => this.#partWith(place)));
    return new ListInTurn(places, [...parts]);
  }

  #placeOf(key: string): number {
    const known = this.#places.get(key);
    if (known !== undefined) return known;
    const place = this.#add(key, this.#isCluster ? slotOf(key) : NO_SLOT);
    this.#places.set(key, place);
    return place;
  }

  #add(key: string, slot: number): number {
    const part = this.#partFor(slot, 1);
    part.written.push(key);
    return part.from + part.keys.push(key) - 1;
  }

  /** The part of this slot that has room for so many, or a new one. */
  #partFor(slot: number, keys: number): Part {
    const part = this.#part?.slot === slot ? this.#part : this.#bySlot.get(slot);
    if (part) {
      const { length } = part.keys;
      if (length === 0 || length + keys <= this.#most) return (this.#part = part);
    }
    const added = new Part(this.parts.length * MOST_KEYS, slot);
    this.parts.push(added);
    if (this.#isCluster) this.#bySlot.set(slot, added);
    return (this.#part = added);
  }

  #partWith(place: number): Part {
    return this.parts[Math.floor(place / MOST_KEYS)] as Part;
  }
}
