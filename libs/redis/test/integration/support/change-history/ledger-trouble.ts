import { RandomFaults, type Fault, type FaultTools } from '../history/random-faults.js';
import { pickFrom } from '../random.js';
import { ALL_ENTRIES, metadataOf } from './ledger-entry.js';
import type { Ledger } from './ledger.js';
import { ALL_ROWS, type TouchedMetadata } from './touched-metadata.js';

export interface TroubleTools extends FaultTools {
  readonly ledger: Ledger;
  readonly touched: TouchedMetadata;
  /** The rows that are being changed now. */
  readonly changing: () => readonly number[];
  /** Stops a writer for so long. */
  readonly freezeWriter: (ms: number) => void;
  /** Kills the server and starts it again, with all that it had; `undefined` if it would have lost it. */
  readonly restart: (() => Promise<void>) | undefined;
  /** How long an announcement lasts that its writer does not renew. */
  readonly announcedMs: number;
}

/** Does at random everything that can go wrong with the server, the way to it, and writers that live. */
export class LedgerTrouble extends RandomFaults<TroubleTools> {
  protected readonly faults: readonly Fault[] = [
    [0.27, 'deleted entries and leases', () => this.#deleteEntries()],
    [0.2, 'evicted announcements and versions', () => this.#harm((key) => this.#delete(key))],
    [0.08, 'damaged announcements and versions', () => this.#harm((key) => this.#damageAll(key))],
    [0.02, 'flushed', () => this.#flush()],
    [0.07, 'killed connections', () => this.killConnections()],
    [0.04, 'forgotten scripts', () => this.forgetScripts()],
    [0.09, 'delays', () => this.delay()],
    [0.06, 'stalls', () => this.stall()],
    [0.06, 'cuts', () => this.cut()],
    [0.06, 'short freezes of a writer', () => this.#freeze(0, 300)],
    [0.01, 'freezes of a writer beyond its announcement', () => this.#freeze(1.05, 2_000)],
    ...(this.tools.restart ? [[0.02, 'restarts', this.tools.restart] satisfies Fault] : []),
  ];

  /** Deletes entries; this justifies no old value. */
  async #deleteEntries(): Promise<void> {
    const { random } = this.tools;
    for (let n = 0; n < 3; n++) {
      const entry = pickFrom(random, ALL_ENTRIES);
      const key =
        entry.isChangedByKey || random() < 0.5 ? entry.storedAt : `{${entry.storedAt}}:lease`;
      await this.#delete(key);
    }
  }

  /** Harms mostly where a change is under way, because it matters there. */
  async #harm(fault: (key: string) => Promise<unknown>): Promise<void> {
    const { changing, ledger, random, touched } = this.tools;
    for (let n = 0; n < 3; n++) {
      const rows = random() < 0.5 ? changing() : ALL_ROWS;
      if (rows.length === 0) return;
      const row = pickFrom(random, rows);
      ledger.log(row, 'fault', 0);
      await touched.during([row], () => fault(metadataOf(row)));
    }
  }

  /** Deletes it on the node that has it. */
  async #delete(key: string): Promise<void> {
    for (const client of this.clients) await client.unlink(key).catch(() => undefined);
  }

  async #damageAll(key: string): Promise<void> {
    const luck = this.tools.random();
    for (const client of this.clients) await this.damage(client, key, luck).catch(() => undefined);
  }

  async #flush(): Promise<void> {
    await this.tools.touched.during(ALL_ROWS, () => this.client.flushall());
  }

  async #freeze(announcements: number, ms: number): Promise<void> {
    const { announcedMs, freezeWriter, random } = this.tools;
    freezeWriter(announcements * announcedMs + random() * ms);
  }
}
