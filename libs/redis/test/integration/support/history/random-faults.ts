import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import type { FaultProxy } from '../../../../src/testing/index.js';
import { pickFrom } from '../random.js';

/** Its share of all faults, its name in the figures, and how it is done. */
export type Fault = readonly [share: number, name: string, fault: () => Promise<unknown>];

export interface FaultTools {
  readonly random: () => number;
  readonly nodes: readonly { readonly host: string; readonly port: number }[];
  readonly proxies: readonly FaultProxy[];
}

/** Harms servers and the way to them at random: what all histories have in common. */
export abstract class RandomFaults<Tools extends FaultTools> {
  /** How often each was done. */
  readonly done: Record<string, number> = {};
  protected readonly tools: Tools;
  protected readonly clients: readonly Redis[];

  constructor(tools: Tools) {
    this.tools = tools;
    this.clients = tools.nodes.map(({ host, port }) => {
      const client = new Redis({ host, port, maxRetriesPerRequest: null, retryStrategy: () => 20 });
      client.on('error', () => undefined);
      return client;
    });
  }

  protected abstract readonly faults: readonly Fault[];

  /** Does one fault. */
  async act(): Promise<void> {
    let luck = this.tools.random();
    for (const [share, name, fault] of this.faults) {
      luck -= share;
      if (luck >= 0) continue;
      this.done[name] = (this.done[name] ?? 0) + 1;
      await fault().catch(() => undefined);
      return;
    }
  }

  close(): void {
    for (const client of this.clients) client.disconnect();
  }

  protected get client(): Redis {
    return pickFrom(this.tools.random, this.clients);
  }

  protected killConnections(): Promise<unknown> {
    return this.client.call('CLIENT', 'KILL', 'TYPE', 'normal');
  }

  protected forgetScripts(): Promise<unknown> {
    return this.client.script('FLUSH');
  }

  protected delay(): Promise<void> {
    return this.#disturb((proxy, luck) => proxy.delay(luck * 60), 60);
  }

  protected stall(): Promise<void> {
    return this.#disturb((proxy) => proxy.stall(), 400);
  }

  protected cut(): Promise<void> {
    return this.#disturb((proxy) => proxy.cut(), 60);
  }

  /** Puts something else where something of the library should be, or only half of it. */
  protected async damage(client: Redis, key: string, luck: number): Promise<void> {
    if (luck < 0.3) await client.append(key, 'x');
    else if (luck < 0.6) await client.set(key, 'something else', 'PX', 2_000);
    else await client.multi().del(key).rpush(key, 'a list').pexpire(key, 2_000).exec();
  }

  async #disturb(fault: (proxy: FaultProxy, luck: number) => unknown, ms: number): Promise<void> {
    const { random, proxies } = this.tools;
    const proxy = pickFrom(random, proxies);
    await fault(proxy, random());
    await sleep(random() * ms);
    await proxy.heal();
  }
}
