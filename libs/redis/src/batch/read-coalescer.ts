import type { Connection } from '../connection/connection.js';
import { isCluster } from '../connection/driver/hash-slots.js';
import type { StoredValues } from '../connection/driver/replies/stored-reply.js';
import { readBytesTogether } from './multi-key.js';
import { MOST_KEYS, type Command, type ReadSink } from './read-command.js';
import { Turn, type AskedKey, type ReadList } from './read-turn.js';

/** The most bytes that one MGET is expected to return: a longer reply holds up other commands. */
const MOST_BYTES = 256 * 1024;

/** The weight of the latest value in the running mean of sizes. */
const SIZE_WEIGHT = 1 / 64;

/**
 * Turns the reads that are asked for in one turn of the event loop into one MGET, de-duplicated: what
 * 64 callers would send as 64 GETs costs one command, one reply and one round trip. In a cluster it
 * is one MGET for each hash slot, sent together, and each caller waits only for those that name its own
 * keys: a server that does not answer holds up no caller who asks others.
 *
 * A value is asked for before its command is sent, and no reader joins a command that was sent. Values
 * therefore get no staler, and a read sees each write that was sent before it. Several MGETs are sent when
 * there are more than 256 keys, or fewer where values are large.
 *
 * @internal
 */
export class ReadCoalescer {
  readonly #connection: Connection;
  readonly #isCluster: boolean;
  #turn: Turn | undefined;
  #meanSize = 0;

  constructor(connection: Connection) {
    this.#connection = connection;
    this.#isCluster = isCluster(connection.client);
  }

  /**
   * Reads the text at a key, or `null`. Shares its round trip with all reads of this turn.
   *
   * @throws RedisException of this key's command
   */
  async read(key: string): Promise<string | null> {
    const asked = this.ask(key);
    await asked.answered;
    return asked.text;
  }

  /**
   * Asks for the text at a key, as {@link read}, without a promise for it: it shares that of its command.
   * A promise for each read took a tenth of the time of a read.
   */
  ask(key: string): AskedKey {
    return this.#now().ask(key);
  }

  /**
   * Reads what is stored at a key, as it is stored, and the texts of a list of others that are of use only
   * together with it. Makes no promise: callers who read this often have one.
   *
   * @param sink is given a RedisException for what could not be read
   */
  readInto(sink: ReadSink, key: string, list: ReadList): void {
    this.#now().readInto(sink, key, list);
  }

  #now(): Turn {
    if (this.#turn) return this.#turn;
    setImmediate(this.#flush);
    const most = Math.max(1, Math.min(MOST_KEYS, Math.floor(MOST_BYTES / this.#meanSize)));
    return (this.#turn = new Turn({ most, isCluster: this.#isCluster }));
  }

  readonly #flush = (): void => {
    const turn = this.#turn as Turn;
    this.#turn = undefined;
    for (const command of turn.commands) void this.#send(command);
  };

  async #send(command: Command): Promise<void> {
    try {
      const readings = await readBytesTogether(this.#connection, command.keys, () =>
        command.write(),
      );
      this.#learnSizes(readings.stored);
      command.settle(readings);
    } catch (error) {
      command.reject(error); // a mistake in the program
    }
  }

  #learnSizes(stored: StoredValues): void {
    for (let i = 0; i < stored.length; i++) {
      const size = stored.sizeAt(i);
      if (size > 0) this.#meanSize += (size - this.#meanSize) * SIZE_WEIGHT;
    }
  }
}
