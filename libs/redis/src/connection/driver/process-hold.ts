import type { Command } from 'ioredis';
import type { RedisClient } from '../options/options.js';

/**
 * What of ioredis keeps the process alive, by the names of its fields: sockets, and the timers of the
 * next attempt and of a cluster's next look at its slots. No other way leads to the timers.
 */
const KEEPING = ['stream', 'reconnectTimeout', 'slotsTimer'] as const;

/** A socket or a timer. */
interface Keeping {
  ref?(): unknown;
  unref?(): unknown;
}

/** Longer than any boot; the timer does nothing but be there. */
const FOR_LONG_MS = 2 ** 30;

/**
 * Says whether the connections of an application keep its process alive: from the moment when it is up,
 * as ioredis's connections do, and before that only while something waits for Redis. Where a boot fails,
 * in whatever part of it, nobody closes what was opened, and the process could never end.
 *
 * @internal
 */
export class ProcessHold {
  readonly #release = new Set<() => void>();
  #waiting = 0;
  #timer: NodeJS.Timeout | undefined;
  #isUp = false;

  /** To be told of each client before it connects. */
  attach(client: RedisClient): void {
    if (this.#isUp) return;
    this.#loosen(client);
    if ('nodes' in client) {
      client.on('+node', (node: object) => {
        this.#loosen(node);
      });
      this.#loosenSubscriberOf(client);
    }
    this.#holdForCommandsOf(client);
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

  #holdForCommandsOf(client: RedisClient): void {
    const send = client.sendCommand.bind(client);
    const hold: typeof send = (command: Command, pipeline?: never, node?: never) => {
      const answer = send(command, pipeline, node);
      if (!this.#isUp && answer instanceof Promise) {
        this.during(answer).catch(() => undefined); // the caller has the answer itself
      }
      return answer;
    };
    client.sendCommand = hold;
    this.#release.add(() => {
      if (client.sendCommand === hold) client.sendCommand = send;
    });
  }

  #take(): void {
    this.#waiting++;
    this.#timer ??= setInterval(() => undefined, FOR_LONG_MS);
  }

  #give(): void {
    if (--this.#waiting > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** The connection on which a cluster client hears of published messages is not one of its nodes. */
  #loosenSubscriberOf(cluster: object): void {
    const { subscriber: owner } = cluster as { subscriber?: { subscriber?: object | null } };
    if (!owner) return;
    let current = owner.subscriber;
    const set = (next: object | null) => {
      current = next;
      if (next) this.#loosen(next);
    };
    Object.defineProperty(owner, 'subscriber', { get: () => current, set, configurable: true });
    this.#release.add(() => {
      const value = current;
      Object.defineProperty(owner, 'subscriber', { value, writable: true, configurable: true });
    });
  }

  /** What stands in these fields, now or later, does not keep the process alive until it is up. */
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
