import type { Redis } from 'ioredis';
import { plusJitter } from '../../time/jitter.js';
import { sendQuietly } from '../driver/commands/quiet-command.js';
import { outsideOfRequests } from '../driver/outside-of-requests.js';
import { TrackingWire } from '../driver/tracking-wire.js';
import type { Link, ServerTime } from './link.js';
import { Pulse } from './pulse.js';
import { SourceCheck } from './source-check.js';
import { NO_CONNECTION, TrackingError, troubleOf } from './troubles.js';

/** The facts and listeners that all links of a connection share. */
export interface LinkContext {
  readonly prefixes: readonly string[];
  /** Why no link can be of use, whatever the server does. */
  readonly obstacle: string | undefined;
  /** Grows with each call. */
  nextEpoch(): number;
  readonly heartbeatMs: number;
  /** A key of this process under the first prefix, on the server; absent if no key is there. */
  probeKeyOf(node: string): string | undefined;
  /** Hears the keys of one message. */
  pushed(keys: string[]): void;
  flushed(link: Link): void;
  armed(link: Link): void;
  lost(link: Link, reason: string): void;
  unavailable(link: Link, reason: string): void;
  /** Asks a cluster which servers have which slots. */
  refreshSlots(): void;
}

/** How long it may take from the first byte until pushes are known to arrive. */
const ARM_MS = 5_000;
/** How long a push may take that proves that pushes arrive. */
const PROOF_MS = 2_000;
const SHORTEST_RETRY_MS = 50;
const LONGEST_RETRY_MS = 2_000;
/** A server that knows no tracking rarely learns it. */
const RARE_RETRY_MS = 30_000;
const RAREST_RETRY_MS = 300_000;

/**
 * Keeps the tracking connection to one server armed, as long as the data client is connected to it:
 *
 * 1. It connects a {@link TrackingWire} to the server that the data client is connected to.
 * 2. It writes a key over the data connection, and waits until that change is pushed: nothing else proves
 *    that this server, a proxy before it or a managed service pushes at all. Then it is armed.
 * 3. Heartbeats prove that pushes still arrive ({@link Pulse}).
 *
 * It is lost when either connection is, when a heartbeat is not answered, or when the server is no primary
 * any more; then it begins anew.
 *
 * @internal
 */
export class ServerLink implements Link {
  readonly node: string;
  epoch: number;
  isArmed = false;
  /** Why it is not armed. */
  reason: string | undefined = CONNECTING;
  /** Fulfilled when the socket of the last connection that was ended is gone. */
  gone: Promise<void> = Promise.resolve();
  readonly #context: LinkContext;
  readonly #told = new Set<string>();
  #source: Redis | undefined;
  #wire: TrackingWire | undefined;
  #pulse: Pulse | undefined;
  #timer: NodeJS.Timeout | undefined;
  #attempts = 0;
  #check: SourceCheck | undefined;
  #proof: { readonly key: string; readonly arrived: () => void } | undefined;

  constructor(node: string, context: LinkContext) {
    this.node = node;
    this.#context = context;
    this.epoch = context.nextEpoch();
  }

  get provenAt(): number {
    return this.isArmed && this.#pulse ? this.#pulse.provenAt : Number.NEGATIVE_INFINITY;
  }

  get serverTimeAt(): ServerTime | undefined {
    return this.#check?.serverTimeAt;
  }

  /** Follows the server over the data connection to it; `undefined` if there is none. */
  use(source: Redis | undefined): void {
    if (source === this.#source) return;
    this.#source?.off('ready', this.#begin).off('close', this.#onSourceLost);
    this.#source = source;
    this.#lose(source ? CONNECTING : NO_CONNECTION);
    if (!source) return;
    source.on('ready', this.#begin).on('close', this.#onSourceLost);
    // A node of a cluster connects with its first command, which may not come: copies answer.
    if (source.status === 'wait' && this.node !== '') source.connect().catch(() => undefined);
    this.#begin();
  }

  /** Beats at the pace of the context from now on. */
  changePace(): void {
    this.#pulse?.changePace(this.#context.heartbeatMs);
  }

  /** A cluster client forgets a node that it lost, and makes another one when it has asked for the slots. */
  readonly #onSourceLost = (): void => {
    this.#lose(NO_CONNECTION);
    if (this.node !== '') outsideOfRequests(() => this.#retry(SHORTEST_RETRY_MS, LONGEST_RETRY_MS));
  };

  /** Begins at once, also where the next attempt was to come later: this may be another server. */
  readonly #begin = (): void => {
    const source = this.#source;
    if (source?.status !== 'ready' || this.#wire) return;
    clearTimeout(this.#timer);
    outsideOfRequests(() => {
      const wire = new TrackingWire(source, {
        changed: (keys) => {
          this.#hear(keys);
        },
        flushed: () => {
          this.#context.flushed(this);
        },
        closed: (error) => {
          this.#fail(wire, error);
        },
      });
      this.#wire = wire;
      this.#setTimer(ARM_MS, () => {
        this.#fail(wire, new TrackingError('The server did not answer in time.'));
      });
      this.#arm(wire, source).catch((error: unknown) => {
        this.#fail(wire, error);
      });
    });
  };

  async #arm(wire: TrackingWire, source: Redis): Promise<void> {
    const { obstacle } = this.#context;
    if (obstacle !== undefined) throw new TrackingError(obstacle, { isLasting: true });
    await wire.connect();
    await wire.track(this.#context.prefixes);
    const check = this.#checkOf(wire, source);
    await check.readClock();
    const provenAt = performance.now();
    await this.#provePushes(wire, source);
    if (this.#wire !== wire) return;
    clearTimeout(this.#timer);
    this.epoch = this.#context.nextEpoch();
    this.isArmed = true;
    this.reason = undefined;
    this.#attempts = 0;
    this.#check = check;
    this.#told.clear();
    this.#pulse = new Pulse({
      provenAt,
      ping: () => wire.ping(),
      check: () => check.ask(),
      failed: (error) => {
        this.#fail(wire, error);
      },
    });
    this.#pulse.changePace(this.#context.heartbeatMs);
    this.#context.armed(this);
  }

  /**
   * Writes a key and waits for its push.
   *
   * @throws TrackingError if the write is not done
   */
  async #provePushes(wire: TrackingWire, source: Redis): Promise<void> {
    const key = this.#probeKey();
    const arrival = new Promise<void>((resolve) => {
      this.#proof = { key, arrived: resolve };
    });
    const reply = await sendQuietly(source, 'set', [key, '', 'PX', String(PROOF_MS)]);
    if (reply !== 'OK') throw new TrackingError('A caller has the connection in a transaction.');
    if (this.#wire !== wire) return;
    this.#setTimer(PROOF_MS, () => {
      this.#fail(wire, new TrackingError(PUSHES_NOTHING, { isLasting: true }));
    });
    await arrival;
  }

  #checkOf(wire: TrackingWire, source: Redis): SourceCheck {
    const keyInSlots = this.node === '' ? undefined : () => this.#probeKey();
    return new SourceCheck(source, keyInSlots, (error) => {
      this.#fail(wire, error);
    });
  }

  /** @throws TrackingError if the server has no slots any more */
  #probeKey(): string {
    const key = this.#context.probeKeyOf(this.node);
    if (key === undefined) throw new TrackingError('The server has no hash slots.');
    return key;
  }

  #hear(keys: string[]): void {
    const proof = this.#proof;
    if (proof && keys.includes(proof.key)) {
      this.#proof = undefined;
      proof.arrived();
    }
    this.#context.pushed(keys);
  }

  #fail(wire: TrackingWire, error: unknown): void {
    if (this.#wire !== wire) return;
    const { reason, isLasting } = troubleOf(error);
    this.#lose(reason);
    if (isLasting && !this.#told.has(reason)) {
      this.#told.add(reason);
      this.#context.unavailable(this, reason);
    }
    if (isLasting) this.#retry(RARE_RETRY_MS, RAREST_RETRY_MS);
    else this.#retry(SHORTEST_RETRY_MS, LONGEST_RETRY_MS);
  }

  #retry(shortestMs: number, longestMs: number): void {
    const delayMs = plusJitter(Math.min(shortestMs * 2 ** this.#attempts++, longestMs));
    this.#setTimer(delayMs, () => {
      if (this.node !== '') this.#context.refreshSlots();
      this.#begin();
    });
  }

  #lose(reason: string): void {
    clearTimeout(this.#timer);
    if (this.#wire) this.gone = this.#wire.destroy();
    this.#wire = undefined;
    this.#pulse?.end();
    this.#pulse = undefined;
    this.#check = undefined;
    this.#proof = undefined;
    this.reason = reason;
    const wasArmed = this.isArmed;
    this.isArmed = false;
    this.epoch = this.#context.nextEpoch();
    if (wasArmed) this.#context.lost(this, reason);
  }

  #setTimer(ms: number, work: () => void): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(work, ms).unref();
  }
}

const CONNECTING = 'The connection to the server is being made.';
const PUSHES_NOTHING =
  'The server, or a proxy before it, takes CLIENT TRACKING and pushes no changes.';
