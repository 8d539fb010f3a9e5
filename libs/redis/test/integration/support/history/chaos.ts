import { pickFrom } from '../random.js';
import { RandomFaults, type Fault, type FaultTools } from './random-faults.js';
import type { SharedState } from './shared-state.js';

export interface ChaosTools extends FaultTools {
  readonly state: SharedState;
  /** Ends a thread in the middle of its work, and starts another one in its place. */
  readonly replaceWorker: () => Promise<void>;
}

/** Does at random everything that can go wrong with a server and the way to it. */
export class Chaos extends RandomFaults<ChaosTools> {
  protected readonly faults: readonly Fault[] = [
    [0.42, 'deleted keys', () => this.#deleteSome()],
    [0.1, 'evicted of a kind', () => this.#evict()],
    [0.1, 'corrupted keys', () => this.#corrupt()],
    [0.04, 'flushed', () => this.#flush()],
    [0.06, 'killed connections', () => this.killConnections()],
    [0.04, 'forgotten scripts', () => this.forgetScripts()],
    [0.09, 'delays', () => this.delay()],
    [0.08, 'stalls', () => this.stall()],
    [0.06, 'cuts', () => this.cut()],
    [0.01, 'crashed threads', () => this.tools.replaceWorker()],
  ];

  /** Deletes any keys, as eviction, expiry or another program would. */
  async #deleteSome(): Promise<void> {
    const { client } = this;
    for (let n = 0; n < 3; n++) {
      const key = await client.randomkey();
      if (key && !key.startsWith('foreign')) await client.unlink(key);
    }
  }

  async #evict(): Promise<void> {
    const { client } = this;
    const kind = pickFrom(this.tools.random, ['tag:*', 'cache:*', '*:lease']);
    const keys = (await client.keys(kind)).filter(() => this.tools.random() < 0.7);
    for (const key of keys) await client.unlink(key);
  }

  async #corrupt(): Promise<void> {
    const { client } = this;
    const key = await client.randomkey();
    if (!key || key.startsWith('foreign')) return;
    await this.damage(client, key, this.tools.random());
  }

  async #flush(): Promise<void> {
    const { state } = this.tools;
    state.flushBegins();
    try {
      await this.client.flushall();
    } finally {
      state.flushEnds();
    }
  }
}
