import type { ReadKey, ReadList } from './read-list.js';
import { Group, ListInTurn, Part, type ReadSink } from './read-part.js';

/** Numbered across all clients: a list may be read through several. */
let turns = 0;

/**
 * What is asked for in one turn of the event loop: keys, each once, in parts of so many at most. Each
 * part is one command.
 *
 * @internal
 */
export class Turn {
  readonly #id = ++turns;
  readonly #most: number;
  #part = new Part(0);
  readonly parts: Part[] = [this.#part];
  readonly #places = new Map<string, number>();
  readonly #lists: ListInTurn[] = [];

  /** @param most the keys of one part */
  constructor(most: number) {
    this.#most = most;
  }

  read(key: string): Promise<string | null> {
    const place = this.#placeOf(key);
    return this.#partWith(place).readerAt(place).promise;
  }

  readInto(sink: ReadSink, key: string, list: ReadList): void {
    const { length } = list.keys;
    const known = list.turn === this.#id ? this.#lists[list.place] : undefined;
    // What is waited for together travels together, where it can.
    if (length < this.#most) this.#makeRoomFor(known ? 1 : length + 1);
    const place = this.#placeOf(key);
    const part = this.#partWith(place);
    const beside = known ?? (length === 0 ? undefined : this.#enter(list));
    const group = new Group(sink, part, place, beside);
    part.groups.push(group);
    if (beside && !(beside.parts.length === 1 && beside.parts[0] === part)) {
      for (const other of beside.parts) if (other !== part) other.add(group);
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
        key.place = this.#add(key.key);
      }
      return key.place;
    });
    const parts = new Set(places.map((place) => this.#partWith(place)));
    return new ListInTurn(places, [...parts]);
  }

  #placeOf(key: string): number {
    const known = this.#places.get(key);
    if (known !== undefined) return known;
    const place = this.#add(key);
    this.#places.set(key, place);
    return place;
  }

  #add(key: string): number {
    this.#makeRoomFor(1);
    this.#part.written.push(key);
    return this.#part.from + this.#part.keys.push(key) - 1;
  }

  #makeRoomFor(keys: number): void {
    const { length } = this.#part.keys;
    if (length === 0 || length + keys <= this.#most) return;
    this.#part = new Part(this.#part.from + length);
    this.parts.push(this.#part);
  }

  /** Nearly always the latest one. */
  #partWith(place: number): Part {
    let part = this.#part;
    for (let i = this.parts.length - 1; part.from > place;) part = this.parts[--i] as Part;
    return part;
  }
}
