import type { Connection } from '../../connection/connection.js';
import { LocalChanges } from '../../connection/local-changes.js';
import type { Link, TrackingListener } from '../../connection/tracking/link.js';
import { Tracking, type TrackingState } from '../../connection/tracking/tracking.js';
import type { KeyBuilder } from '../../keys/key-builder.js';
import { ChangeLog } from './change-log.js';

/** A near copy, as it hears of changes. */
export interface CoherentCopy {
  changed(key: string): void;
  /** All keys of a server are gone. */
  flushed(link: Link): void;
  /** Anything may have changed: each entry has to be confirmed. */
  doubtAll(): void;
  /** These hash slots have another owner. */
  moved(slots: ReadonlySet<number>): void;
}

/**
 * Keeps the near copies of one connection coherent: tells them what other processes and this one have
 * changed, and says whether what was read may be kept.
 *
 * @internal
 */
export class Coherence implements TrackingListener {
  readonly #connection: Connection;
  readonly #prefixes: readonly string[];
  readonly #log = new ChangeLog();
  readonly #copies = new Set<CoherentCopy>();
  /** Since when the pushes of each link arrive. */
  readonly #armedAt = new Map<Link, number>();
  #tracking: Tracking | undefined;
  #endLocal: (() => void) | undefined;

  constructor(connection: Connection, prefixes: readonly string[]) {
    this.#connection = connection;
    this.#prefixes = prefixes;
  }

  get state(): TrackingState {
    return this.#tracking?.state ?? { isArmed: false, oldestProofAgeMs: Infinity };
  }

  get pushes(): number {
    return this.#tracking?.pushes ?? 0;
  }

  /** @param heartbeatMs how often the copy needs a proof that it hears of all changes */
  join(copy: CoherentCopy, heartbeatMs: number): void {
    this.#copies.add(copy);
    this.#endLocal ??= this.#connection.part(LocalChanges).listen(
      (keys) => {
        this.changed(keys);
      },
      () => {
        this.#doubtAll();
      },
    );
    if (this.#tracking) this.#tracking.beat(heartbeatMs);
    else this.#tracking = new Tracking(this.#connection, this.#prefixes, this, heartbeatMs);
  }

  /** Closes the links with the last copy. */
  async leave(copy: CoherentCopy): Promise<void> {
    this.#copies.delete(copy);
    if (this.#copies.size > 0) return;
    this.#endLocal?.();
    this.#endLocal = undefined;
    const tracking = this.#tracking;
    this.#tracking = undefined;
    this.#armedAt.clear();
    this.#log.allChanged();
    await tracking?.close();
  }

  /** Begins a read whose value may be kept. Opens the links with the first one. */
  begin(): number {
    this.#tracking?.open();
    return this.#log.moment;
  }

  /**
   * The links to the servers of what was read, if it may be kept: each was armed when the read began, and
   * nothing of it has changed since. An entity of another application has no link: its changes are not
   * followed.
   *
   * @param since when the read began
   */
  linksOf(keys: readonly string[], since: number): readonly Link[] | undefined {
    const links: Link[] = [];
    for (const key of keys) {
      if (!this.#prefixes.some((prefix) => key.startsWith(prefix))) return undefined;
      const link = this.#tracking?.linkOf(key);
      if (!link?.isArmed || !this.#log.isUnchanged(key, since)) return undefined;
      if (links.includes(link)) continue;
      const armedAt = this.#armedAt.get(link);
      if (armedAt === undefined || armedAt > since) return undefined;
      links.push(link);
    }
    return links;
  }

  changed(keys: readonly string[]): void {
    for (const key of keys) {
      this.#log.changed(key);
      for (const copy of this.#copies) copy.changed(key);
    }
  }

  #doubtAll(): void {
    this.#log.allChanged();
    for (const copy of this.#copies) copy.doubtAll();
  }

  flushed(link: Link): void {
    this.#log.allChanged();
    for (const copy of this.#copies) copy.flushed(link);
  }

  lost(link: Link, reason: string): void {
    this.#armedAt.delete(link);
    this.#announce(link, 'lost', reason);
  }

  armed(link: Link): void {
    this.#log.allChanged();
    this.#armedAt.set(link, this.#log.moment);
    this.#announce(link, 'armed');
  }

  moved(slots: ReadonlySet<number>): void {
    this.#log.allChanged();
    for (const copy of this.#copies) copy.moved(slots);
  }

  redirected(): void {
    this.#log.allChanged();
  }

  unavailable(link: Link, reason: string): void {
    this.#announce(link, 'unavailable', reason);
  }

  #announce({ node }: Link, state: 'armed' | 'lost' | 'unavailable', reason?: string): void {
    const { name: connection, telemetry } = this.#connection;
    const why = reason === undefined ? {} : { reason };
    telemetry.announce({ type: 'near.link', connection, node, state, ...why });
  }
}

/**
 * The coherence of each key space of a connection. Most connections have one.
 *
 * @internal
 */
export class Coherences {
  readonly #connection: Connection;
  readonly #bySpace = new Map<string, Coherence>();

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  of(keys: KeyBuilder): Coherence {
    const prefixes = ['cache', 'tag', 'version'].map((kind) => keys.pattern(kind).slice(0, -1));
    const space = prefixes.join();
    const known = this.#bySpace.get(space);
    if (known) return known;
    const coherence = new Coherence(this.#connection, prefixes);
    this.#bySpace.set(space, coherence);
    return coherence;
  }
}
