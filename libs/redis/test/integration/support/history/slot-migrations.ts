import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { pickFrom } from '../random.js';

/** The longest time that a node waits for another one in MIGRATE. */
const MIGRATE_MS = 2_000;

/** Few, so that at times a slot is divided between two nodes. */
const KEYS_AT_ONCE = 2;

interface Node {
  readonly client: Redis;
  readonly id: string;
  readonly host: string;
  readonly port: number;
}

/** Moves hash slots that hold something from one primary to another, as an operator does. */
export class SlotMigrations {
  /** How many slots, and how many keys with them. */
  readonly done = { 'migrated slots': 0, 'migrated keys': 0 };
  readonly #random: () => number;
  readonly #nodes: readonly Node[];

  static async start(
    nodes: readonly { readonly host: string; readonly port: number }[],
    random: () => number,
  ): Promise<SlotMigrations> {
    const opened = nodes.map(async ({ host, port }) => {
      const client = new Redis({ host, port, maxRetriesPerRequest: null });
      client.on('error', () => undefined);
      return { client, host, port, id: await client.cluster('MYID') };
    });
    return new SlotMigrations(await Promise.all(opened), random);
  }

  private constructor(nodes: readonly Node[], random: () => number) {
    this.#nodes = nodes;
    this.#random = random;
  }

  /** Moves the slot of a random key. A slot is always moved to the end, whatever happens to its keys. */
  async migrateOne(): Promise<void> {
    const from = pickFrom(this.#random, this.#nodes);
    const to = pickFrom(
      this.#random,
      this.#nodes.filter((node) => node !== from),
    );
    const key = await from.client.randomkey();
    if (key === null) return;
    const slot = await from.client.cluster('KEYSLOT', key);
    await again(() => to.client.cluster('SETSLOT', slot, 'IMPORTING', from.id));
    await again(() => from.client.cluster('SETSLOT', slot, 'MIGRATING', to.id));
    await again(() => this.#moveKeys(slot, from, to));
    const others = this.#nodes.filter((node) => node !== from && node !== to);
    for (const { client } of [to, from, ...others]) {
      await again(() => client.cluster('SETSLOT', slot, 'NODE', to.id));
    }
    this.done['migrated slots']++;
  }

  close(): void {
    for (const { client } of this.#nodes) client.disconnect();
  }

  async #moveKeys(slot: number, from: Node, { host, port }: Node): Promise<void> {
    for (;;) {
      const keys = await from.client.cluster('GETKEYSINSLOT', slot, KEYS_AT_ONCE);
      if (keys.length === 0) return;
      await from.client.migrate(host, port, '', 0, MIGRATE_MS, 'KEYS', ...keys);
      this.done['migrated keys'] += keys.length;
      await sleep(this.#random() * 10);
    }
  }
}

/** Connections are killed all the time. @throws what it fails with for a second */
async function again<T>(work: () => Promise<T>): Promise<T> {
  const giveUpAt = performance.now() + 1_000;
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (performance.now() > giveUpAt) throw error;
      await sleep(5);
    }
  }
}
