import { writeKey } from '../connection/driver/written-mget.js';
import { slotOf } from '../connection/driver/hash-slots.js';

/**
 * A key that is read again and again. Remembers where it stands among the keys of the latest turn, so
 * that no map has to be asked: with sixteen tags for each read that was what a read cost most.
 *
 * @internal
 */
export class ReadKey {
  readonly key: string;
  /** The turn that it was last asked for in, and its place there. */
  turn = 0;
  place = 0;
  #slot: number | undefined;

  constructor(key: string) {
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
export class ReadList {
  readonly keys: readonly ReadKey[];
  /** The turn that it was last asked for in, and its place among the lists there. */
  turn = 0;
  place = 0;

  #written: string | undefined;

  constructor(keys: readonly ReadKey[]) {
    this.keys = keys;
  }

  /** All of its keys as they stand in a command. */
  get written(): string {
    return (this.#written ??= this.keys.map(({ key }) => writeKey(key)).join(''));
  }
}
