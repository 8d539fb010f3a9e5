import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import type { FaultProxy } from '../../../../src/testing/index.js';
import { pickFrom } from '../random.js';
import type { SharedState } from './shared-state.js';

export interface ChaosTools {
  readonly state: SharedState;
  readonly random: () => number;
  readonly nodes: readonly { readonly host: string; readonly port: number }[];
  readonly proxies: readonly FaultProxy[];
  /** Ends a thread in the middle of whatever it does, and starts another one in its place. */
  readonly replaceWorker: () => Promise<void>;
}

/** Everything that can go wrong with a server and the way to it, at random. */
export class Chaos {
  readonly done: Record<string, number> = {};
  readonly #tools: ChaosTools;
  readonly #clients: readonly Redis[];

  constructor(tools: ChaosTools) {
    this.#tools = tools;
    this.#clients = tools.nodes.map(({ host, port }) => {
      const client = new Redis({ host, port, maxRetriesPerRequest: null });
      client.on('error', () => undefined);
      return client;
    });
  }

  async act(): Promise<void> {
    const { random } = this.#tools;
    let luck = random();
    for (const [share, name, fault] of this.#faults) {
      luck -= share;
      if (luck >= 0) continue;
      this.done[name] = (this.done[name] ?? 0) + 1;
      await fault().catch(() => undefined);
      return;
    }
  }

  close(): void {
    for (const client of this.#clients) client.disconnect();
  }

  get #client(): Redis {
    return pickFrom(this.#tools.random, this.#clients);
  }

  readonly #faults: readonly (readonly [number, string, () => Promise<unknown>])[] = [
    [0.42, 'deleted keys', () => this.#deleteSome()],
    [0.1, 'evicted of a kind', () => this.#evict()],
    [0.1, 'corrupted keys', () => this.#corrupt()],
    [0.04, 'flushed', () => this.#flush()],
    [0.06, 'killed connections', () => this.#client.call('CLIENT', 'KILL', 'TYPE', 'normal')],
    [0.04, 'forgotten scripts', () => this.#client.script('FLUSH')],
    [0.09, 'delays', () => this.#disturb((proxy, luck) => proxy.delay(luck * 60), 60)],
    [0.08, 'stalls', () => this.#disturb((proxy) => proxy.stall(), 400)],
    [0.06, 'cuts', () => this.#disturb((proxy) => proxy.cut(), 60)],
    [0.01, 'crashed threads', () => this.#tools.replaceWorker()],
  ];

  /** Deletes any keys, as eviction, expiry or another program would. */
  async #deleteSome(): Promise<void> {
    const client = this.#client;
    for (let n = 0; n < 3; n++) {
      const key = await client.randomkey();
      if (key && !key.startsWith('foreign')) await client.unlink(key);
    }
  }

  async #evict(): Promise<void> {
    const client = this.#client;
    const kind = pickFrom(this.#tools.random, ['tag:*', 'cache:*', '*:lease']);
    const keys = (await client.keys(kind)).filter(() => this.#tools.random() < 0.7);
    for (const key of keys) await client.unlink(key);
  }

  /** Something else where something of ours should be, or only half of it. */
  async #corrupt(): Promise<void> {
    const client = this.#client;
    const key = await client.randomkey();
    if (!key || key.startsWith('foreign')) return;
    const luck = this.#tools.random();
    if (luck < 0.3) await client.append(key, 'x');
    else if (luck < 0.6) await client.set(key, 'something else', 'PX', 2_000);
    else await client.multi().del(key).rpush(key, 'a list').pexpire(key, 2_000).exec();
  }

  async #flush(): Promise<void> {
    const { state } = this.#tools;
    state.flushBegins();
    try {
      await this.#client.flushall();
    } finally {
      state.flushEnds();
    }
  }

  async #disturb(fault: (proxy: FaultProxy, luck: number) => unknown, ms: number): Promise<void> {
    const { random, proxies } = this.#tools;
    const proxy = pickFrom(random, proxies);
    await fault(proxy, random());
    await sleep(random() * ms);
    await proxy.heal();
  }
}
