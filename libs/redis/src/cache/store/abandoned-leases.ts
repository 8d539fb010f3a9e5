import type { Connection } from '../../connection/connection.js';
import type { RedisClient } from '../../connection/options/options.js';

/** More would hold up what is sent after a reconnection. Others notice the rest by their silence. */
const MOST = 10_000;

type GiveBack = () => Promise<unknown>;

/**
 * Gives back the leases of one connection that could not be given back because it was lost, as soon as
 * it is ready again.
 *
 * @internal
 */
export class AbandonedLeases {
  readonly #client: RedisClient;
  readonly #leases = new Map<string, GiveBack>();

  constructor({ client }: Connection) {
    this.#client = client;
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
