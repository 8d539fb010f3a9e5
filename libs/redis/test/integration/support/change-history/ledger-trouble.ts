import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import type { FaultProxy } from '../../../../src/testing/index.js';
import type { Address } from '../history/open-clients.js';
import { pickFrom } from '../random.js';
import { ALL_ENTRIES, metadataOf } from './ledger-entry.js';
import type { Ledger } from './ledger.js';
import { ALL_ROWS, type TouchedMetadata } from './touched-metadata.js';

export interface TroubleTools {
  readonly ledger: Ledger;
  readonly touched: TouchedMetadata;
  readonly random: () => number;
  readonly nodes: readonly Address[];
  readonly proxies: readonly FaultProxy[];
  /** The rows that are being changed now. */
  readonly changing: () => readonly number[];
  /** Stops a writer for so long. */
  readonly freezeWriter: (ms: number) => void;
  /** Kills the server and starts it again, with all that it had; `undefined` if it would have lost it. */
  readonly restart: (() => Promise<void>) | undefined;
  /** How long an announcement lasts that its writer does not renew. */
  readonly announcedMs: number;
}

/** Everything that can go wrong with the server, the way to it, and writers that are not killed. */
export class LedgerTrouble {
  readonly done: Record<string, number> = {};
  readonly #tools: TroubleTools;
  readonly #clients: readonly Redis[];

  constructor(tools: TroubleTools) {
    this.#tools = tools;
    this.#clients = tools.nodes.map(({ host, port }) => {
      const client = new Redis({ host, port, maxRetriesPerRequest: null, retryStrategy: () => 20 });
      client.on('error', () => undefined);
      return client;
    });
  }

  async act(): Promise<void> {
    let luck = this.#tools.random();
    for (const [share, name, fault] of this.#faults) {
      luck -= share;
      if (luck >= 0) continue;
      if (name === 'restarts' && this.#tools.restart === undefined) return;
      this.done[name] = (this.done[name] ?? 0) + 1;
      await fault().catch(() => undefined);
      return;
    }
  }

  close(): void {
    for (const client of this.#clients) client.disconnect();
  }

  readonly #faults: readonly (readonly [number, string, () => Promise<unknown>])[] = [
    [0.27, 'deleted entries and leases', () => this.#deleteEntries()],
    [0.2, 'evicted announcements and versions', () => this.#harm((key) => this.#delete(key))],
    [0.08, 'damaged announcements and versions', () => this.#harm((key) => this.#damage(key))],
    [0.02, 'flushed', () => this.#flush()],
    [0.07, 'killed connections', () => this.#client.call('CLIENT', 'KILL', 'TYPE', 'normal')],
    [0.04, 'forgotten scripts', () => this.#client.script('FLUSH')],
    [0.09, 'delays', () => this.#disturb((proxy, luck) => proxy.delay(luck * 60), 60)],
    [0.06, 'stalls', () => this.#disturb((proxy) => proxy.stall(), 400)],
    [0.06, 'cuts', () => this.#disturb((proxy) => proxy.cut(), 60)],
    [0.06, 'short freezes of a writer', () => this.#freeze(0, 300)],
    [0.01, 'freezes of a writer beyond its announcement', () => this.#freeze(1.05, 2_000)],
    [0.02, 'restarts', () => this.#restart()],
  ];

  get #client(): Redis {
    return pickFrom(this.#tools.random, this.#clients);
  }

  /** Deletes entries; this justifies no old value. */
  async #deleteEntries(): Promise<void> {
    const { random } = this.#tools;
    for (let n = 0; n < 3; n++) {
      const entry = pickFrom(random, ALL_ENTRIES);
      const key =
        entry.isChangedByKey || random() < 0.5 ? entry.storedAt : `{${entry.storedAt}}:lease`;
      await this.#delete(key);
    }
  }

  /** Mostly where a change is under way, for there it matters. */
  async #harm(fault: (key: string) => Promise<unknown>): Promise<void> {
    const { changing, ledger, random, touched } = this.#tools;
    for (let n = 0; n < 3; n++) {
      const rows = random() < 0.5 ? changing() : ALL_ROWS;
      if (rows.length === 0) return;
      const row = pickFrom(random, rows);
      ledger.log(row, 'fault', 0);
      await touched.during([row], () => fault(metadataOf(row)));
    }
  }

  /** On whatever node it is. */
  async #delete(key: string): Promise<void> {
    for (const client of this.#clients) await client.unlink(key).catch(() => undefined);
  }

  /** Something else where something of ours should be, or only half of it. */
  async #damage(key: string): Promise<void> {
    const luck = this.#tools.random();
    for (const client of this.#clients) {
      const harm =
        luck < 0.3
          ? client.append(key, 'x')
          : luck < 0.6
            ? client.set(key, 'something else', 'PX', 2_000)
            : client.multi().del(key).rpush(key, 'a list').pexpire(key, 2_000).exec();
      await harm.catch(() => undefined);
    }
  }

  async #flush(): Promise<void> {
    await this.#tools.touched.during(ALL_ROWS, () => this.#client.flushall());
  }

  async #restart(): Promise<void> {
    await this.#tools.restart?.();
  }

  async #freeze(announcements: number, ms: number): Promise<void> {
    const { announcedMs, freezeWriter, random } = this.#tools;
    freezeWriter(announcements * announcedMs + random() * ms);
  }

  async #disturb(fault: (proxy: FaultProxy, luck: number) => unknown, ms: number): Promise<void> {
    const { random, proxies } = this.#tools;
    const proxy = pickFrom(random, proxies);
    await fault(proxy, random());
    await sleep(random() * ms);
    await proxy.heal();
  }
}
