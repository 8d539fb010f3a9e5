import { setTimeout } from 'node:timers/promises';
import { Redis, type RedisOptions } from 'ioredis';
import { printAddress } from '../../../errors/print-address.js';
import type { ConnectionWarning } from '../../../telemetry/connection.events.js';
import type { Telemetry } from '../../../telemetry/telemetry.js';
import { parseInfo } from '../info-fields.js';
import type { RedisAddress, ResolvedRedisOptions } from '../../options/options.js';
import { servernameOf, tlsFor } from '../../options/tls-options.js';
import { serverConnector } from '../wires/connectors.js';
import { divertWarnings } from '../wires/driver-warnings.js';
import { isSame, PrimaryHistory } from './primary-history.js';
import { SentinelSubscription, type SentinelListener } from './sentinel-subscription.js';

/** How often a replica that is to be the primary is asked whether it is, and for how long. */
const PROMOTION_POLL_MS = 10;
const PROMOTION_MS = 5_000;

/** What ioredis keeps to itself about a client behind sentinels: the same in 5.4 and 6. */
interface SentinelConnector {
  /** Asks one sentinel where the primary is. `null` if it does not know. */
  resolve(sentinel: Partial<RedisAddress>): Promise<RedisAddress | null>;
  /** The latest connection to a primary, in whatever state; none before the first. */
  readonly stream?: Redis['stream'];
  /** Goes through the sentinels, and says at their end that none could be reached. */
  readonly sentinelIterator: { reset(currentFirst: boolean): void };
}

interface Followed {
  readonly client: Redis;
  /** Where it is connected to, or about to be. */
  target: RedisAddress | undefined;
  /** Where it has to go next, without asking. */
  moveTo: RedisAddress | undefined;
  /** Whether its connection to the target became ready. */
  isReached: boolean;
}

/**
 * Listens to all sentinels of one primary, and moves the clients of that primary to the next one as soon
 * as there is one: their connections to the former one are destroyed, however well they are.
 *
 * ioredis's own `failoverDetector` was tried: it listens only while it is connected, asks the next
 * sentinel, which may not have heard of the switch, and waits for the sentinels to notice a promotion,
 * which takes up to a second in which the former primary acknowledges what will be lost
 * (docs/adr/0030).
 *
 * @internal
 */
export class SentinelFollower implements SentinelListener {
  readonly #options: ResolvedRedisOptions;
  readonly #telemetry: Telemetry;
  readonly #followed = new Set<Followed>();
  readonly #subscriptions = new Map<string, SentinelSubscription>();
  readonly #history = new PrimaryHistory();
  readonly #asking = new Set<(primary: RedisAddress) => void>();
  #promoting: RedisAddress | undefined;

  constructor(options: ResolvedRedisOptions, telemetry: Telemetry) {
    this.#options = options;
    this.#telemetry = telemetry;
  }

  /** Takes a client along, from its first connection until it ends. */
  follow(client: Redis): void {
    const followed: Followed = {
      client,
      target: undefined,
      moveTo: undefined,
      isReached: false,
    };
    const connector = connectorOf(client);
    if (!('resolve' in connector)) return; // the application's own, which asks no sentinels
    const ask = connector.resolve.bind(connector);
    connector.resolve = async (sentinel) => {
      const primary = await this.#primaryFor(followed, () => ask(sentinel));
      followed.target = primary ?? undefined;
      followed.isReached = false;
      return primary && { ...primary, ...servernameOf(primary.host) }; // ioredis adds to it
    };
    client.on('connecting', () => {
      this.#followed.add(followed);
      if (this.#subscriptions.size === 0) this.#options.addresses.forEach(this.#listenTo);
    });
    client.on('ready', () => {
      followed.isReached = true;
      connector.sentinelIterator.reset(true); // or it would come to its end with the third connection
    });
    client.on('close', () => {
      if (followed.target && !followed.isReached) this.#history.forget(followed.target);
    });
    client.on('reconnecting', () => {
      if (followed.moveTo) hurry(client);
    });
    client.on('end', () => {
      this.#followed.delete(followed);
      if (this.#followed.size === 0) this.#stopListening();
    });
  }

  answered(primary: RedisAddress, epoch: number, sentinels: readonly RedisAddress[]): void {
    const known = this.#mapped(primary);
    this.#history.learn(known, epoch);
    for (const answer of this.#asking) answer(known); // the one that was asked may be frozen
    for (const { target } of this.#followed) {
      const successor = target && this.#history.successorOf(target);
      if (successor) this.#move(target, successor);
    }
    if (this.#options.ioredis.updateSentinels === false) return;
    sentinels.map((sentinel) => this.#mapped(sentinel)).forEach(this.#listenTo);
  }

  switched(from: RedisAddress, to: RedisAddress): void {
    const primary = this.#mapped(to);
    this.#history.switch(this.#mapped(from), primary);
    for (const answer of this.#asking) answer(primary);
    this.#move(from, primary);
  }

  /**
   * What the former primary acknowledges from now on is lost, and the sentinels will notice, and say so,
   * within a second. It is asked here, often.
   */
  promoting(from: RedisAddress, to: RedisAddress): void {
    if (isSame(this.#promoting, to)) return;
    this.#promoting = to;
    void this.#isPromoted(this.#mapped(to)).then((isPromoted) => {
      if (isPromoted) this.switched(from, to);
      this.#promoting = undefined;
    });
  }

  /**
   * An announcement goes before the answer of a sentinel, which may not come, and a sentinel that has not
   * heard of a switch is corrected.
   */
  async #primaryFor(
    followed: Followed,
    ask: () => Promise<RedisAddress | null>,
  ): Promise<RedisAddress | null> {
    const answer = followed.moveTo ?? (await this.#unlessAnnounced(ask));
    followed.moveTo = undefined;
    return (answer && this.#history.successorOf(answer)) ?? answer;
  }

  #unlessAnnounced(ask: () => Promise<RedisAddress | null>): Promise<RedisAddress | null> {
    return new Promise<RedisAddress | null>((resolve, reject) => {
      this.#asking.add(resolve);
      void ask()
        .then(resolve, reject)
        .finally(() => this.#asking.delete(resolve));
    });
  }

  #move(from: RedisAddress, to: RedisAddress): void {
    const moving = [...this.#followed].filter(({ target }) => target && !isSame(target, to));
    if (moving.length === 0) return;
    this.#telemetry.announce({
      type: 'connection.replaced',
      connection: this.#options.name,
      endpoint: printAddress(from),
      reason: 'failover',
    });
    for (const followed of moving) {
      followed.moveTo = to;
      if (followed.client.status === 'reconnecting') hurry(followed.client);
      else connectorOf(followed.client).stream?.destroy();
    }
  }

  async #isPromoted(candidate: RedisAddress): Promise<boolean> {
    const [followed] = this.#followed;
    if (!followed) return false;
    const client = followed.client.duplicate({
      ...candidate,
      Connector: serverConnector(this.#options),
      sentinels: undefined,
      lazyConnect: true,
      enableReadyCheck: false,
      enableOfflineQueue: true, // it is asked before it is connected
      retryStrategy: () => PROMOTION_POLL_MS, // the sentinels cut all connections when they promote it
      maxRetriesPerRequest: null,
      commandTimeout: PROMOTION_MS,
    });
    client.on('error', () => undefined);
    divertWarnings(client, this.#warn);
    try {
      const end = performance.now() + PROMOTION_MS;
      while (performance.now() < end && this.#followed.size > 0) {
        if (parseInfo(await client.info('replication')).get('role') === 'master') return true;
        await setTimeout(PROMOTION_POLL_MS, undefined, { ref: false });
      }
      return false;
    } catch {
      return false; // the sentinels will say
    } finally {
      client.disconnect();
    }
  }

  readonly #warn = (about: ConnectionWarning['about']): void => {
    const { name: connection } = this.#options;
    this.#telemetry.announce({ type: 'connection.warning', connection, about });
  };

  readonly #listenTo = (sentinel: RedisAddress): void => {
    const key = printAddress(sentinel);
    const [followed] = this.#followed;
    if (!followed || this.#subscriptions.has(key)) return;
    const { client } = followed;
    const { silenceTimeoutMs, sentinelName = '' } = this.#options;
    const connect = () => {
      const made = new Redis(sentinelOptions(sentinel, client.options, silenceTimeoutMs));
      divertWarnings(made, this.#warn);
      return made;
    };
    const timing = { pingEveryMs: silenceTimeoutMs };
    const subscription = new SentinelSubscription(connect, sentinelName, this, timing);
    this.#subscriptions.set(key, subscription);
    subscription.start();
  };

  #stopListening(): void {
    for (const subscription of this.#subscriptions.values()) subscription.stop();
    this.#subscriptions.clear();
  }

  /** As ioredis does it with what sentinels answer. */
  #mapped(address: RedisAddress): RedisAddress {
    const { natMap } = this.#options.ioredis;
    const key = printAddress(address);
    return (typeof natMap === 'function' ? natMap(key) : natMap?.[key]) ?? address;
  }
}

/** Of a client of a sentinel, which is looked after by its subscription. */
const ON_ITS_OWN = {
  lazyConnect: true,
  enableReadyCheck: false,
  maxRetriesPerRequest: 0,
  retryStrategy: () => null,
  disconnectTimeout: 0, // the timer of a refused connection would keep the process alive
} as const satisfies RedisOptions;

/** How ioredis itself connects to a sentinel, with a deadline for each command. */
function sentinelOptions(
  sentinel: RedisAddress,
  options: RedisOptions,
  commandTimeout: number,
): Omit<RedisOptions, 'replyMapping'> {
  const { sentinelUsername, sentinelPassword, sentinelTLS, family } = options;
  const { connectTimeout, keepAlive } = options;
  return {
    ...sentinel,
    ...ON_ITS_OWN,
    username: sentinelUsername,
    password: sentinelPassword,
    tls: sentinelTLS && tlsFor(sentinelTLS, sentinel.host),
    family,
    connectTimeout,
    keepAlive,
    commandTimeout,
  };
}

/** Ends the pause between two attempts. ioredis's timer would connect a client that has ended meanwhile. */
function hurry(client: Redis): void {
  const pause = client as unknown as { reconnectTimeout: NodeJS.Timeout | null };
  if (pause.reconnectTimeout) clearTimeout(pause.reconnectTimeout);
  pause.reconnectTimeout = null;
  client.connect().catch(() => undefined);
}

function connectorOf(client: Redis): SentinelConnector {
  return (client as unknown as { connector: SentinelConnector }).connector;
}
