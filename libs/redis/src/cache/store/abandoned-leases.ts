import type { RedisClient } from '../../connection/options/options.js';

/** More would hold up what is sent after a reconnection; those beyond it are noticed by their silence. */
const MOST = 10_000;

type GiveBack = () => Promise<unknown>;

/**
 * Leases of one connection that could not be given back because it was lost. They are given back as
 * soon as it is ready again.
 *
 * @internal
 */
export class AbandonedLeases {
  readonly #client: RedisClient;
  readonly #leases = new Map<string, GiveBack>();

  private constructor(client: RedisClient) {
    this.#client = client;
  }

  static of(client: RedisClient): AbandonedLeases {
    let leases = ofClients.get(client);
    if (!leases) ofClients.set(client, (leases = new AbandonedLeases(client)));
    return leases;
  }

  /** @param giveBack sends the command, which does nothing if the lease has another holder by now */
  add(lease: string, giveBack: GiveBack): void {
    if (this.#leases.size >= MOST) return;
    if (this.#leases.size === 0) this.#client.once('ready', this.#giveBackAll);
    this.#leases.set(lease, giveBack);
  }

  readonly #giveBackAll = (): void => {
    const leases = [...this.#leases];
    this.#leases.clear();
    for (const [lease, giveBack] of leases) {
      giveBack().catch(() => {
        this.add(lease, giveBack);
      });
    }
  };
}

const ofClients = new WeakMap<RedisClient, AbandonedLeases>();
