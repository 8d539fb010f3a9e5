import type { RedisOptions } from 'ioredis';
import { Redis } from '../ioredis.cjs';
import { isError } from '../../../errors/is-error.js';
import type { ConnectionWarning } from '../../../telemetry/connection.events.js';
import { plusJitter } from '../../../time/jitter.js';
import type { RedisAddress } from '../../options/options.js';
import { tlsFor } from '../../options/tls-options.js';
import { divertWarnings } from '../wires/driver-warnings.js';

/** How long a sentinel that cannot be reached is left alone. */
const PAUSE_MS = 1_000;

/** The channels on which a sentinel says that another server is the primary, or is about to be. */
const SWITCHED = '+switch-master';
const PROMOTING = '+failover-state-wait-promotion';

/** Is told what one sentinel says about the primary. */
export interface SentinelListener {
  /** The sentinel was asked: where the primary is, since which switch, and which other sentinels there are. */
  answered(primary: RedisAddress, epoch: number, sentinels: readonly RedisAddress[]): void;
  /** The sentinel has switched to another primary. */
  switched(from: RedisAddress, to: RedisAddress): void;
  /** The sentinel has told a replica to be the primary, and waits until it is. */
  promoting(from: RedisAddress, to: RedisAddress): void;
}

export interface SubscriptionSettings {
  /** The name of the primary. */
  readonly name: string;
  /** The options of a client behind the sentinels, which say how to connect to one. */
  readonly client: RedisOptions;
  /** How often a PING is sent, and how long each command may take. */
  readonly silenceTimeoutMs: number;
  readonly warn: (about: ConnectionWarning['about']) => void;
}

/**
 * Listens to one sentinel from `start` to `stop`. Asks it after each connection, because announcements may
 * have been missed, and sends PINGs, which notice a link that carries nothing.
 *
 * @internal
 */
export class SentinelSubscription {
  readonly #address: RedisAddress;
  readonly #listener: SentinelListener;
  readonly #settings: SubscriptionSettings;
  #client: Redis | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isRunning = false;

  constructor(address: RedisAddress, listener: SentinelListener, settings: SubscriptionSettings) {
    this.#address = address;
    this.#listener = listener;
    this.#settings = settings;
  }

  start(): void {
    this.#isRunning = true;
    this.#open();
  }

  stop(): void {
    this.#isRunning = false;
    clearTimeout(this.#timer);
    this.#client?.disconnect();
  }

  #open(): void {
    const client = new Redis(sentinelOptions(this.#address, this.#settings));
    divertWarnings(client, this.#settings.warn);
    this.#client = client;
    client.on('error', () => undefined); // the sentinel is away; it is tried again
    client.once('connect', () => client.stream.unref());
    client.once('end', () => {
      clearTimeout(this.#timer);
      if (this.#isRunning) this.#later(plusJitter(PAUSE_MS), () => this.#open());
    });
    client.on('message', (channel: string, message: string) => this.#hear(channel, message));
    Promise.all([this.#ask(client), client.subscribe(SWITCHED, PROMOTING)]).then(
      () => this.#pingLater(client),
      () => client.disconnect(),
    );
  }

  /**
   * Asks together with the subscription, so that nothing can be announced between the two. A sentinel that
   * may not answer, or does not know the primary yet, is still listened to.
   */
  async #ask(client: Redis): Promise<void> {
    const answers = await Promise.all([
      client.call('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', this.#settings.name),
      client.call('SENTINEL', 'MASTER', this.#settings.name),
      client.call('SENTINEL', 'SENTINELS', this.#settings.name),
    ]).catch((error: unknown) => {
      if (isError(error) && error.name === 'ReplyError') return [null, [], []];
      throw error;
    });
    const [address, facts, others] = answers as [[string, string] | null, string[], string[][]];
    if (!address) return;
    const sentinels = others.map((other) =>
      addressOf(valueIn(other, 'ip'), valueIn(other, 'port')),
    );
    const epoch = Number(valueIn(facts, 'config-epoch'));
    this.#listener.answered(addressOf(...address), epoch, sentinels);
  }

  #hear(channel: string, message: string): void {
    const words = message.split(' ');
    if (channel === SWITCHED) {
      const [name, fromHost = '', fromPort = '', toHost = '', toPort = ''] = words;
      if (name !== this.#settings.name) return;
      this.#listener.switched(addressOf(fromHost, fromPort), addressOf(toHost, toPort));
    } else {
      const [, , toHost = '', toPort = '', , name, fromHost = '', fromPort = ''] = words;
      if (name !== this.#settings.name) return;
      this.#listener.promoting(addressOf(fromHost, fromPort), addressOf(toHost, toPort));
    }
  }

  #pingLater(client: Redis): void {
    this.#later(this.#settings.silenceTimeoutMs, () => {
      client.ping().then(
        () => this.#pingLater(client),
        () => client.disconnect(),
      );
    });
  }

  #later(ms: number, act: () => void): void {
    if (!this.#isRunning) return;
    this.#timer = setTimeout(act, ms).unref();
  }
}

/** The subscription itself connects again, and looks for silence. */
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
  { client, silenceTimeoutMs }: SubscriptionSettings,
): Omit<RedisOptions, 'replyMapping'> {
  const { sentinelUsername, sentinelPassword, sentinelTLS, family } = client;
  const { connectTimeout, keepAlive } = client;
  return {
    ...sentinel,
    ...ON_ITS_OWN,
    username: sentinelUsername,
    password: sentinelPassword,
    tls: sentinelTLS && tlsFor(sentinelTLS, sentinel.host),
    family,
    connectTimeout,
    keepAlive,
    commandTimeout: silenceTimeoutMs,
  };
}

/** Facts come as a flat list of names and values. */
function valueIn(facts: readonly string[], name: string): string {
  return facts[facts.indexOf(name) + 1] ?? '';
}

function addressOf(host: string, port: string): RedisAddress {
  return { host, port: Number(port) };
}
