import { slotOf } from '../connection/driver/hash-slots.js';
import { writeArg } from '../connection/driver/written-command.js';
import {
  Command,
  commandAt,
  ListRead,
  MOST_KEYS,
  NO_SLOT,
  Read,
  type ReadSink,
} from './read-command.js';

/**
 * Remembers its place in the turn that asked for it last: with sixteen tags for each read, asking a map
 * for the place of each was what a read cost most.
 *
 * Keys and lists are shared by all readers on all connections, and each turn overwrites the place. That is
 * safe, because turns have numbers of their own: a turn whose number does not stand here was not the
 * last one to ask, and reads the key again.
 */
class Placed {
  turn = 0;
  place = 0;
}

/**
 * A key that is read again and again.
 *
 * @internal
 */
export class ReadKey extends Placed {
  readonly key: string;
  #slot: number | undefined;

  constructor(key: string) {
    super();
    this.key = key;
  }

  get slot(): number {
    return (this.#slot ??= slotOf(this.key));
  }
}

/**
 * Keys that are read together again and again, beside a key of each reader's own. All who give the same
 * list in one turn are given the same array of what was read.
 *
 * @internal
 */
export class ReadList extends Placed {
  readonly keys: readonly ReadKey[];
  #written: string | undefined;

  constructor(keys: readonly ReadKey[]) {
    super();
    this.keys = keys;
  }

  /** All of its keys as they stand in a command. */
  get written(): string {
    return (this.#written ??= this.keys.map(({ key }) => writeArg(key)).join(''));
  }
}

/** The number of the latest turn of any connection. */
let turns = 0;

/**
 * A key that a turn reads.
 *
 * @internal
 */
export class AskedKey {
  readonly #command: Command;
  readonly #place: number;

  constructor(command: Command, place: number) {
    this.#command = command;
    this.#place = place;
  }

  /** Resolves, whatever the answer is, when the text can be asked for. */
  get answered(): Promise<void> {
    return this.#command.answered;
  }

  /**
   * The text at the key, or `null`.
   *
   * @throws RedisException of this key's command
   */
  get text(): string | null {
    return this.#command.textOf(this.#place);
  }

  /**
   * The same for those who parse it and drop it: it may keep all that was read with it in memory.
   *
   * @throws RedisException of this key's command
   */
  get passingText(): string | null {
    return this.#command.passingTextOf(this.#place);
  }
}

export interface TurnOptions {
  /** The keys of one command, {@link MOST_KEYS} at most. */
  readonly most: number;
  /** Whether keys of different hash slots need commands of their own. */
  readonly isCluster: boolean;
}

/**
 * Collects the keys that are asked for in one turn of the event loop, each once, and puts them into
 * commands. Each reader waits for the commands that name its keys, and for no others.
 *
 * A place is the number of a command times {@link MOST_KEYS}, plus the index of a key there.
 *
 * @internal
 */
export class Turn {
  readonly commands: Command[] = [];
  readonly #id = ++turns;
  readonly #most: number;
  readonly #isCluster: boolean;
  /** The one that was added to last. */
  #latest: Command | undefined;
  /** In a cluster, by hash slot: the one that has room left. */
  readonly #bySlot = new Map<number, Command>();
  /** Of keys that are no {@link ReadKey}. */
  readonly #places = new Map<string, number>();
  readonly #lists: ListRead[] = [];

  constructor({ most, isCluster }: TurnOptions) {
    this.#most = most;
    this.#isCluster = isCluster;
  }

  /** Asks for a key, and for nothing beside it. */
  ask(key: string): AskedKey {
    const place = this.#placeOf(key);
    return new AskedKey(commandAt(this.commands, place), place);
  }

  readInto(sink: ReadSink, key: string, list: ReadList): void {
    const { length } = list.keys;
    const known = list.turn === this.#id ? this.#lists[list.place] : undefined;
    // What is waited for together travels together, where it can.
    if (length < this.#most && !this.#isCluster) this.#commandFor(NO_SLOT, known ? 1 : length + 1);
    const place = this.#placeOf(key);
    const command = commandAt(this.commands, place);
    const beside = known ?? (length === 0 ? undefined : this.#enter(list));
    const read = new Read(sink, command, place, beside);
    command.reads.push(read);
    if (!beside) return;
    for (const other of beside.commands) if (other !== command) other.addTo(read);
  }

  #enter(list: ReadList): ListRead {
    const entered = this.#addWhole(list) ?? this.#addEach(list);
    list.turn = this.#id;
    list.place = this.#lists.push(entered) - 1;
    return entered;
  }

  /** Adds a list as it stands, if none of its keys was asked for before and one command has room for it. */
  #addWhole(list: ReadList): ListRead | undefined {
    const { keys } = list;
    const command = this.#latest;
    if (!command || this.#isCluster) return undefined;
    if (command.keys.length + keys.length > this.#most) return undefined;
    for (const { turn } of keys) if (turn === this.#id) return undefined;
    const places = new Array<number>(keys.length);
    for (let i = 0; i < keys.length; i++) {
      const key = keys[i] as ReadKey;
      key.turn = this.#id;
      key.place = places[i] = command.from + command.keys.push(key.key) - 1;
    }
    command.written.push(list);
    return new ListRead(this.commands, places, [command]);
  }

  #addEach({ keys }: ReadList): ListRead {
    const places = keys.map((key) => {
      if (key.turn !== this.#id) {
        key.turn = this.#id;
        key.place = this.#add(key.key, this.#isCluster ? key.slot : NO_SLOT);
      }
      return key.place;
    });
    const commands = new Set(places.map((place) => commandAt(this.commands, place)));
    return new ListRead(this.commands, places, [...commands]);
  }

  #placeOf(key: string): number {
    const known = this.#places.get(key);
    if (known !== undefined) return known;
    const place = this.#add(key, this.#isCluster ? slotOf(key) : NO_SLOT);
    this.#places.set(key, place);
    return place;
  }

  #add(key: string, slot: number): number {
    const command = this.#commandFor(slot, 1);
    command.written.push(key);
    return command.from + command.keys.push(key) - 1;
  }

  /** The command of this slot that has room for so many keys, or a new one. */
  #commandFor(slot: number, keys: number): Command {
    const latest = this.#latest?.slot === slot ? this.#latest : this.#bySlot.get(slot);
    if (latest) {
      const { length } = latest.keys;
      if (length === 0 || length + keys <= this.#most) return (this.#latest = latest);
    }
    const added = new Command(this.commands.length * MOST_KEYS, slot);
    this.commands.push(added);
    if (this.#isCluster) this.#bySlot.set(slot, added);
    return (this.#latest = added);
  }
}
