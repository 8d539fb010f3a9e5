/**
 * @module connection/tracking Follows changes of keys on the servers of a connection: one tracking
 * connection to each (`server-link.ts`), which proves again and again that it still hears them
 * (`pulse.ts`).
 */
import { randomUUID } from 'node:crypto';
import type { Cluster, Redis } from 'ioredis';
import type { Connection } from '../connection.js';
import { sendThrough, type Stage } from '../driver/commands/stages.js';
import { nodeOf } from '../driver/hash-slots.js';
import { outsideOfRequests } from '../driver/outside-of-requests.js';
import { addressOf } from '../driver/primaries.js';
import type { RedisClient } from '../options/options.js';
import type { Link, TrackingListener } from './link.js';
import { ServerLink, type LinkContext } from './server-link.js';
import { SlotOwners } from './slot-owners.js';

/** The state of all links of a connection, for health and metrics. */
export interface TrackingState {
  /** Whether there is a link, and every one is armed. */
  readonly isArmed: boolean;
  /** Why one of them is not; absent until {@link Tracking.open}. */
  readonly reason?: string;
  /** The age of the oldest proof; `Infinity` if one has none. */
  readonly oldestProofAgeMs: number;
}

const SHORTEST_BEAT_MS = 10;

/**
 * Follows changes of keys on all servers that have keys of one connection. Costs one further connection to
 * each, and one PING in each heartbeat. Opens nothing until {@link open}.
 *
 * The links live no longer than the client, and never keep the process alive.
 *
 * @internal
 */
export class Tracking {
  /** How many messages with keys have arrived. */
  pushes = 0;
  readonly #client: RedisClient;
  readonly #listener: TrackingListener;
  readonly #links = new Map<string, ServerLink>();
  readonly #context: LinkContext;
  readonly #probePrefix: string;
  readonly #probeKeys = new Map<string, string>();
  readonly #owners = new SlotOwners();
  readonly #watched = new Set<Redis>();
  /** The link of a client that is connected to one server. */
  #single: ServerLink | undefined;
  #heartbeatMs: number;
  #epoch = 0;
  #isOpen = false;

  /**
   * @param prefixes of the keys to follow, none the beginning of another one. A key that begins with the
   * first, an empty part, `near-probe` and a part that no other process has is written to prove that pushes
   * arrive: no key of an application has an empty part
   * @param heartbeatMs a third of how stale a copy may be
   */
  constructor(
    { client }: Connection,
    prefixes: readonly string[],
    listener: TrackingListener,
    heartbeatMs: number,
  ) {
    const [prefix = ''] = prefixes;
    this.#client = client;
    this.#listener = listener;
    this.#probePrefix = `${prefix}:near-probe:`;
    this.#heartbeatMs = Math.max(heartbeatMs, SHORTEST_BEAT_MS);
    this.#context = this.#contextOf(prefixes, `${this.#probePrefix}${randomUUID()}:`);
  }

  /** Opens the links, as soon as the client is connected. Does nothing if they are open. */
  open(): void {
    if (this.#isOpen) return;
    this.#isOpen = true;
    outsideOfRequests(() => {
      if ('nodes' in this.#client) this.#openCluster(this.#client);
      else this.#openSingle(this.#client);
    });
  }

  /** The link to the server that has the key now; `undefined` while there is none. */
  linkOf(key: string): Link | undefined {
    return this.#single ?? this.#links.get(nodeOf(this.#client, key));
  }

  get links(): Iterable<Link> {
    return this.#links.values();
  }

  /** Makes heartbeats come at least this often. */
  beat(heartbeatMs: number): void {
    if (heartbeatMs >= this.#heartbeatMs) return;
    this.#heartbeatMs = Math.max(heartbeatMs, SHORTEST_BEAT_MS);
    for (const link of this.#links.values()) link.changePace();
  }

  get state(): TrackingState {
    const links = [...this.#links.values()];
    if (links.length === 0) {
      const why = this.#isOpen ? { reason: 'No server of the cluster is connected.' } : {};
      return { isArmed: false, ...why, oldestProofAgeMs: Infinity };
    }
    const reason = links.find((link) => !link.isArmed)?.reason;
    const oldest = Math.min(...links.map(({ provenAt }) => provenAt));
    return {
      isArmed: links.every(({ isArmed }) => isArmed),
      ...(reason !== undefined && { reason }),
      oldestProofAgeMs: performance.now() - oldest,
    };
  }

  /** Ends all links. {@link open} opens them again. */
  async close(): Promise<void> {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#client
      .off('refresh', this.#onRefresh)
      .off('+node', this.#watch)
      .off('-node', this.#forget);
    const links = [...this.#links.values()];
    this.#links.clear();
    this.#single = undefined;
    for (const link of links) link.use(undefined);
    await Promise.all(links.map((link) => link.gone));
  }

  #openSingle(client: Redis): void {
    this.#single = new ServerLink('', this.#context);
    this.#links.set('', this.#single);
    this.#single.use(client);
  }

  #openCluster(cluster: Cluster): void {
    cluster.on('refresh', this.#onRefresh).on('+node', this.#watch).on('-node', this.#forget);
    for (const node of cluster.nodes()) this.#watch(node);
    if (cluster.status === 'ready') this.#onRefresh();
  }

  /** Opens links to new owners of slots, and ends those to former ones. */
  readonly #onRefresh = (): void => {
    const cluster = this.#client as Cluster;
    const moved = this.#owners.learn(cluster);
    const { addresses } = this.#owners;
    const nodes = new Map(cluster.nodes('master').map((node) => [addressOf(node), node]));
    for (const [address, link] of this.#links) {
      if (addresses.has(address)) continue;
      this.#links.delete(address);
      link.use(undefined);
    }
    for (const address of addresses) {
      const link = this.#links.get(address) ?? new ServerLink(address, this.#context);
      this.#links.set(address, link);
      link.use(nodes.get(address));
    }
    if (moved.size > 0) this.#listener.moved(moved);
  };

  /** Notices that the client follows a redirection of which its slots know nothing. */
  readonly #watch = (node: Redis): void => {
    if (this.#watched.has(node)) return;
    this.#watched.add(node);
    sendThrough(node, [this.#noticeAsking]);
  };

  readonly #forget = (node: Redis): void => {
    this.#watched.delete(node);
  };

  readonly #noticeAsking: Stage = (next) => (command, pipeline, node) => {
    if (command.name === 'asking' && this.#isOpen) this.#listener.redirected();
    return next(command, pipeline, node);
  };

  #contextOf(prefixes: readonly string[], ownProbePrefix: string): LinkContext {
    const heartbeatMs = () => this.#heartbeatMs;
    return {
      prefixes,
      obstacle: obstacleIn(this.#client),
      get heartbeatMs() {
        return heartbeatMs();
      },
      nextEpoch: () => ++this.#epoch,
      probeKeyOf: (node) => this.#probeKeyOf(node, ownProbePrefix),
      pushed: (keys) => {
        this.#tellChanged(keys);
      },
      flushed: (link) => {
        this.#listener.flushed(link);
      },
      armed: (link) => {
        this.#listener.armed(link);
      },
      lost: (link, reason) => {
        this.#listener.lost(link, reason);
      },
      unavailable: (link, reason) => {
        this.#listener.unavailable(link, reason);
      },
      refreshSlots: () => {
        if (this.#isOpen && 'nodes' in this.#client) this.#client.refreshSlotsCache();
      },
    };
  }

  #tellChanged(keys: string[]): void {
    this.pushes++;
    const hasProbe = keys.some((key) => key.startsWith(this.#probePrefix));
    const told = hasProbe ? keys.filter((key) => !key.startsWith(this.#probePrefix)) : keys;
    if (told.length > 0) this.#listener.changed(told);
  }

  /** A key in one of the slots of a server. It stays the same while the slot stays there. */
  #probeKeyOf(node: string, prefix: string): string | undefined {
    const known = this.#probeKeys.get(node);
    if (known !== undefined && this.#isOn(node, known)) return known;
    if (!this.#owners.addresses.has(node) && node !== '') return undefined;
    for (let n = 0; n < MOST_PROBE_KEYS; n++) {
      const key = `${prefix}${n}`;
      if (!this.#isOn(node, key)) continue;
      this.#probeKeys.set(node, key);
      return key;
    }
    return undefined;
  }

  #isOn(node: string, key: string): boolean {
    return nodeOf(this.#client, key) === node;
  }
}

/** Why the changes that a server pushes would say nothing about the reads of a client. */
function obstacleIn(client: RedisClient): string | undefined {
  if (client.options.keyPrefix) return 'The client has a keyPrefix.';
  const { scaleReads = PRIMARIES } = 'nodes' in client ? client.options : {};
  return scaleReads === PRIMARIES ? undefined : 'Replicas answer the reads (scaleReads).';
}

/** The value of `scaleReads` with which only primaries answer reads. */
const PRIMARIES = 'master';

/** So many keys leave almost none of the 16,384 slots without one. */
const MOST_PROBE_KEYS = 100_000;
