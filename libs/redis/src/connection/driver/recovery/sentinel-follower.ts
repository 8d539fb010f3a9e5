import type { Redis } from 'ioredis';
import { printAddress } from '../../../errors/print-address.js';
import type { ConnectionWarning } from '../../../telemetry/connection.events.js';
import type { Telemetry } from '../../../telemetry/telemetry.js';
import type { RedisAddress, ResolvedRedisOptions } from '../../options/options.js';
import { servernameOf } from '../../options/tls-options.js';
import { asksSentinels, connectNow, connectorOf, type SentinelInternals } from '../internals.js';
import { awaitPromotion } from './await-promotion.js';
import { isSame, PrimaryHistory } from './primary-history.js';
import { SentinelSubscription, type SentinelListener } from './sentinel-subscription.js';

interface Followed {
  readonly client: Redis;
  readonly connector: SentinelInternals;
  /** Where it is connected to, or about to be. */
  target: RedisAddress | undefined;
  /** Where it has to go next, without asking. */
  moveTo: RedisAddress | undefined;
  /** Whether its connection to the target became ready. */
  isReached: boolean;
}

/**
 * Listens to all sentinels of one primary, and moves the clients of that primary to the next one as soon
 * as there is one: destroys their connections to the former one, even if these still work.
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
    const connector = connectorOf(client);
    if (!asksSentinels(connector)) return;
    const followed: Followed = {
      client,
      connector,
      target: undefined,
      moveTo: undefined,
      isReached: false,
    };
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
      if (followed.moveTo) connectNow(client);
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
   * Asks the new primary itself, often: the sentinels notice its promotion up to a second later, and what
   * the former primary acknowledges until then is lost.
   */
  promoting(from: RedisAddress, to: RedisAddress): void {
    if (isSame(this.#promoting, to)) return;
    this.#promoting = to;
    void this.#awaitPromotion(this.#mapped(to)).then((isPromoted) => {
      if (isPromoted) this.switched(from, to);
      this.#promoting = undefined;
    });
  }

  async #awaitPromotion(candidate: RedisAddress): Promise<boolean> {
    const [followed] = this.#followed;
    if (!followed) return false;
    return awaitPromotion(followed.client, candidate, {
      options: this.#options,
      isWanted: () => this.#followed.size > 0,
      warn: this.#warn,
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
      if (followed.client.status === 'reconnecting') connectNow(followed.client);
      else followed.connector.stream?.destroy();
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
    const subscription = new SentinelSubscription(sentinel, this, {
      name: this.#options.sentinelName ?? '',
      client: followed.client.options,
      silenceTimeoutMs: this.#options.silenceTimeoutMs,
      warn: this.#warn,
    });
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
