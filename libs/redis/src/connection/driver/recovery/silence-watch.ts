import { setTimeout } from 'node:timers/promises';
import type { Command, Redis } from 'ioredis';
import { withDeadline } from '../../../time/deadline.js';
import { blockingTimeMs } from '../commands/command-facts.js';
import type { DrivenClient } from '../driven-client.js';
import { nextToBeAnswered } from '../internals.js';
import type { ResolvedRedisOptions } from '../../options/options.js';
import { divertWarnings } from '../wires/driver-warnings.js';

/** How often connections are looked at: this many times within `silenceTimeout`. */
const LOOKS = 4;
const SHORTEST_LOOK_MS = 25;

/** A server that was frozen answers old and new connections at once, in no order. */
const GRACE_MS = 100;

/** The state of a connection when it was last seen to receive something. */
interface Silence {
  readonly stream: Redis['stream'];
  readonly bytesRead: number;
  /** The command whose answer is the next one to come. */
  readonly head: Command;
  since: number;
  isProbed: boolean;
}

/**
 * Gives up connections that seem open and carry nothing: a command waits for its answer, and no byte
 * comes. First a new connection to the same server is tried. If that one is answered, and the silent one
 * still is not, the silent one is given up. If the new one is not answered either, the server is frozen or
 * out of reach: the old connection is kept, and another new one is tried after the same time.
 *
 * A server that answers slowly is not silent. A blocking command has as long as it may block. A
 * subscriber that hears nothing waits for no answer: TCP keep-alive notices its broken connections.
 *
 * @internal
 */
export class SilenceWatch {
  readonly #driven: DrivenClient;
  readonly #timeoutMs: number;
  readonly #probeTimeoutMs: number;
  readonly #giveUp: (node: Redis) => void;
  readonly #silences = new Map<Redis, Silence>();
  #timer: NodeJS.Timeout | undefined;

  constructor(
    driven: DrivenClient,
    { silenceTimeoutMs, connectTimeoutMs }: ResolvedRedisOptions,
    giveUp: (node: Redis) => void,
  ) {
    this.#driven = driven;
    this.#timeoutMs = silenceTimeoutMs;
    this.#probeTimeoutMs = connectTimeoutMs;
    this.#giveUp = giveUp;
  }

  /** From the client's next connection until it ends. */
  start(): void {
    const { client } = this.#driven;
    const lookEveryMs = Math.max(this.#timeoutMs / LOOKS, SHORTEST_LOOK_MS);
    client.on('connecting', () => {
      this.#timer ??= setInterval(() => {
        this.#look();
      }, lookEveryMs).unref();
    });
    client.on('end', () => {
      clearInterval(this.#timer);
      this.#timer = undefined;
      this.#silences.clear();
    });
  }

  #look(): void {
    const now = performance.now();
    const { client } = this.#driven;
    const nodes = 'nodes' in client ? client.nodes() : [client];
    for (const gone of this.#silences.keys())
      if (!nodes.includes(gone)) this.#silences.delete(gone);
    for (const node of nodes) {
      const head = unansweredBy(node);
      if (!head) {
        this.#silences.delete(node);
      } else if (!this.#isAsItWas(node, head)) {
        const { stream } = node;
        const { bytesRead } = stream;
        this.#silences.set(node, { stream, bytesRead, head, since: now, isProbed: false });
      } else {
        this.#suspect(node, head, now);
      }
    }
  }

  #isAsItWas(node: Redis, head: Command | undefined): boolean {
    const silence = this.#silences.get(node);
    return (
      silence !== undefined &&
      silence.head === head &&
      silence.stream === node.stream &&
      silence.bytesRead === node.stream.bytesRead
    );
  }

  #suspect(node: Redis, head: Command, now: number): void {
    const silence = this.#silences.get(node);
    const blockingMs = head.inTransaction ? 0 : blockingTimeMs(head.name, head.args);
    if (!silence || silence.isProbed || now - silence.since < this.#timeoutMs + blockingMs) return;
    silence.isProbed = true;
    void this.#probe(node, head).finally(() => {
      silence.isProbed = false;
      silence.since = performance.now() - blockingMs;
    });
  }

  async #probe(node: Redis, head: Command): Promise<void> {
    // A frozen node may have been replaced, and other nodes say so only if they are asked.
    const { client } = this.#driven;
    if ('nodes' in client) client.refreshSlotsCache();
    if (!(await this.#isNewConnectionAnswered(node))) return;
    await setTimeout(GRACE_MS, undefined, { ref: false });
    if (this.#driven.isClosing || unansweredBy(node) !== head) return;
    if (this.#isAsItWas(node, head)) this.#giveUp(node);
  }

  async #isNewConnectionAnswered(node: Redis): Promise<boolean> {
    const probe = node.duplicate({
      lazyConnect: true,
      enableReadyCheck: true,
      retryStrategy: () => null,
    });
    probe.on('error', () => undefined);
    divertWarnings(probe, () => undefined); // what is wrong with it is wrong with the connection, too
    const ready = probe.connect().then(
      () => true,
      () => false,
    );
    try {
      return await withDeadline(ready, this.#probeTimeoutMs, () => false);
    } finally {
      probe.disconnect();
    }
  }
}

/** The command that an open connection answers next; `undefined` if it owes no answer. */
function unansweredBy(node: Redis): Command | undefined {
  if (node.status !== 'ready' && node.status !== 'connect') return undefined;
  return nextToBeAnswered(node);
}
