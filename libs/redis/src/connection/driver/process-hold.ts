import type { RedisClient } from '../options/options.js';
import { sendThrough, type Stage } from './commands/stages.js';
import { KEEPING, onSubscriber } from './internals.js';

/** A socket or a timer. */
interface Keeping {
  ref?(): unknown;
  unref?(): unknown;
}

/** Longer than any boot. The timer only has to exist. */
const FOR_LONG_MS = 2 ** 30;

/**
 * Decides whether the connections of an application keep its process alive: while it boots, only as long
 * as something waits for Redis; once it is up, always, as ioredis's connections do. If a boot fails outside
 * of this library, the connections stay open, and the process could never end.
 *
 * @internal
 */
export class ProcessHold {
  readonly #release = new Set<() => void>();
  #waiting = 0;
  #timer: NodeJS.Timeout | undefined;
  #isUp = false;

  /** Takes a client, before it connects. */
  attach(client: RedisClient): void {
    if (this.#isUp) return;
    this.#loosen(client);
    if ('nodes' in client) {
      client.on('+node', (node: object) => {
        this.#loosen(node);
      });
      // The connection on which a cluster client hears of published messages is not one of its nodes.
      onSubscriber(client, (subscriber) => {
        this.#loosen(subscriber);
      });
    }
    this.#release.add(sendThrough(client, [this.#holdForAnswers]));
  }

  /** Keeps the process alive until the work has ended. */
  async during<T>(work: Promise<T>): Promise<T> {
    this.#take();
    try {
      return await work;
    } finally {
      this.#give();
    }
  }

  /** The application is up: from now on connections keep the process alive. */
  applicationIsUp(): void {
    this.#isUp = true;
    for (const release of this.#release) release();
    this.#release.clear();
  }

  /**
   * Goes around the other stages, so that `answer` is what the caller waits for, and is taken off when the
   * application is up: from then on no command pays for it.
   */
  readonly #holdForAnswers: Stage = (next) => (command, pipeline, node) => {
    const answer = next(command, pipeline, node);
    if (!this.#isUp && answer instanceof Promise) {
      this.during(answer).catch(() => undefined); // the caller has the answer itself
    }
    return answer;
  };

  #take(): void {
    this.#waiting++;
    this.#timer ??= setInterval(() => undefined, FOR_LONG_MS);
  }

  #give(): void {
    if (--this.#waiting > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** Sockets and timers in these fields, now or later, do not keep the process alive until it is up. */
  #loosen(owner: object): void {
    if (this.#isUp) return;
    const fields = owner as Partial<Record<string, Keeping | null>>;
    for (const name of KEEPING) {
      let kept = fields[name];
      kept?.unref?.();
      const set = (next: Keeping | null | undefined) => {
        kept = next;
        if (!this.#isUp) next?.unref?.();
      };
      Object.defineProperty(fields, name, { get: () => kept, set, configurable: true });
      this.#release.add(() => {
        kept?.ref?.();
        Object.defineProperty(fields, name, { value: kept, writable: true, configurable: true });
      });
    }
  }
}
