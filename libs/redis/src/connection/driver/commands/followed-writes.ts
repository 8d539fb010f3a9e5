import type { Command } from 'ioredis';
import { DRIVER_SAYS } from '../internals.js';
import type { Send } from './stages.js';

/** Scripts do all the writes that replicas have to confirm. */
const WRITE = 'eval';

/** A cluster client sends this before a write that it redirects: the two must not be parted. */
const ASKING = 'asking';

/** Writes that one WAIT follows. */
interface Group {
  readonly confirmed: Promise<number>;
  settle(confirmed: Promise<number>): void;
}

/**
 * Follows the writes over the connection to one server with WAIT. The writes of one tick share one, which is
 * sent with them: nothing can come between a write and the WAIT that counts it. While a WAIT is not answered
 * further writes are held back, because the server would not execute them either, and share the next one.
 *
 * @internal
 */
export class FollowedWrites {
  readonly #wait: () => Promise<number>;
  readonly #join: (command: Command, confirmed: Promise<number>) => void;
  /** The writes that are being sent. */
  #group: Group | undefined;
  /** The writes whose WAIT is not answered. */
  #waiting: Group | undefined;
  readonly #held: (() => void)[] = [];

  /**
   * @param wait sends WAIT over the same connection; fulfilled with the number of replicas
   * @param join is told which promise says how many replicas have a write. Told again if it is sent again
   */
  constructor(
    wait: () => Promise<number>,
    join: (command: Command, confirmed: Promise<number>) => void,
  ) {
    this.#wait = wait;
    this.#join = join;
  }

  readonly send: (next: Send) => Send = (next) => (command, pipeline, node) => {
    const isWrite = command.name === WRITE;
    if (!isWrite && command.name !== ASKING) return next(command, pipeline, node);
    if (this.#waiting) {
      this.#held.push(() => void this.send(next)(command, pipeline, node));
      return command.promise;
    }
    if (isWrite) this.#join(command, (this.#group ??= this.#begin()).confirmed);
    return next(command, pipeline, node);
  };

  /** The connection is gone. What was not confirmed over it will not be. */
  readonly onClose = (): void => {
    const closed = Promise.reject(new Error(DRIVER_SAYS.closed));
    closed.catch(() => undefined);
    for (const group of [this.#group, this.#waiting]) group?.settle(closed);
    this.#group = undefined;
    this.#waiting = undefined;
    this.#release();
  };

  #begin(): Group {
    let settle: Group['settle'] = () => undefined;
    const confirmed = new Promise<number>((resolve) => {
      settle = resolve;
    });
    confirmed.catch(() => undefined); // a write that fails does not ask
    const group = { confirmed, settle };
    process.nextTick(() => {
      if (this.#group === group) this.#end(group);
    });
    return group;
  }

  #end(group: Group): void {
    this.#group = undefined;
    this.#waiting = group;
    const confirmed = this.#wait();
    group.settle(confirmed);
    const answered = () => {
      if (this.#waiting !== group) return;
      this.#waiting = undefined;
      this.#release();
    };
    confirmed.then(answered, answered);
  }

  #release(): void {
    for (const send of this.#held.splice(0)) send();
  }
}
