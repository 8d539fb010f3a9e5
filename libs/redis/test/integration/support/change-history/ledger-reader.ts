import { setTimeout as sleep } from 'node:timers/promises';
import type { MessagePort } from 'node:worker_threads';
import type { CacheKey, LoadContext } from '../../../../src/cache/cache-options.js';
import { RedisCache } from '../../../../src/cache/redis-cache.js';
import { RedisException } from '../../../../src/index.js';
import type { Violation } from '../history/history-caller.js';
import { jumpingClock } from '../history/jumping-clock.js';
import { openClients, type Addresses } from '../history/open-clients.js';
import { pickFrom, randomNumbers } from '../random.js';
import { ALL_ENTRIES, ledgerKeys, type LedgerEntry, type Seen } from './ledger-entry.js';
import { ENTRIES, GROUPS, Ledger, Phase } from './ledger.js';

export interface ReaderData extends Addresses {
  readonly memory: SharedArrayBuffer;
  readonly thread: number;
  readonly seed: number;
}

export type ReaderMessage =
  | { readonly type: 'violation'; readonly violation: Violation }
  | { readonly type: 'ready' | 'done' };

const CALLERS = 20;
const POLICY = { ttl: '20s', timeout: '500ms', loadTimeout: '400ms' } as const;
/** No call may take longer: two loads that run into their time limit, and what it waits for Redis. */
const LONGEST_CALL_MS = 8_000;

class LoaderFailure extends Error {}

interface Shown {
  readonly status: string;
  readonly values: readonly (Seen | undefined)[];
}

/** Reads until the audit, and then everything once more; and invalidates at random what has not changed. */
export async function runReader(data: ReaderData, port: MessagePort): Promise<void> {
  const random = randomNumbers(data.seed);
  jumpingClock(random);
  const { supervised, plain, close } = await openClients(data);
  const caches = [supervised, plain].map(
    (client) => new RedisCache(client, ledgerKeys, { ...POLICY, breakerCooldown: '100ms' }),
  );
  const post = (message: ReaderMessage) => port.postMessage(message);
  const reader = new LedgerReader(data, random, (violation) =>
    post({ type: 'violation', violation }),
  );
  post({ type: 'ready' });
  const callers = Array.from({ length: CALLERS }, async () => {
    while (reader.ledger.phase === Phase.trouble) await reader.act(pickFrom(random, caches));
  });
  await Promise.all(callers);
  for (const cache of caches) for (const entry of ALL_ENTRIES) await reader.read(cache, entry);
  post({ type: 'done' });
  await close();
  port.close();
}

class LedgerReader {
  readonly ledger: Ledger;
  readonly #thread: number;

  constructor(
    { memory, thread }: ReaderData,
    private readonly random: () => number,
    private readonly report: (violation: Violation) => void,
  ) {
    this.ledger = new Ledger(memory);
    this.#thread = thread;
  }

  async act(cache: RedisCache): Promise<void> {
    const { random } = this;
    const entry = this.#pick();
    const luck = random();
    if (luck < 0.01) return this.#invalidate(cache, entry);
    if (luck < 0.1) return this.#readSeveral(cache);
    const times = random() < 0.5 ? 1 : 1 + Math.floor(random() * 12);
    await Promise.all(Array.from({ length: times }, () => this.read(cache, entry)));
    if (random() < 0.02) await sleep(random() * 20); // or the threads would keep in step
  }

  async read(cache: RedisCache, entry: LedgerEntry): Promise<void> {
    await this.#judged([entry], async () => {
      const load = (context: LoadContext) => this.#load(entry, context);
      const { status, value } = await cache.resolve(entry.name, load, entry.options());
      if (status === 'hit') this.ledger.count(this.#thread, 'hits');
      if (status === 'stale') this.ledger.count(this.#thread, 'stale');
      if (status === 'bypass') this.ledger.count(this.#thread, 'bypasses');
      return { status, values: [value] };
    });
  }

  async #readSeveral(cache: RedisCache): Promise<void> {
    const picked = Array.from({ length: 24 }, () => this.#pick()).filter(({ isPlain }) => isPlain);
    const entries = new Map(picked.map((entry) => [entry.name, entry]));
    const of = (name: CacheKey) => entries.get(name) as LedgerEntry;
    await this.#judged([...entries.values()], async () => {
      let others = entries.size;
      const load = async (missing: readonly CacheKey[]) => {
        others -= missing.length;
        const loads = missing.map(async (name) => [name, await this.#load(of(name))] as const);
        return new Map(await Promise.all(loads));
      };
      const options = { tags: (name: CacheKey) => of(name).options().tags ?? [] };
      const found = await cache.getOrLoadAll([...entries.keys()], load, options);
      this.ledger.count(this.#thread, 'listed', entries.size);
      this.ledger.count(this.#thread, 'listedWithoutLoad', others);
      return { status: 'list', values: [...entries.keys()].map((name) => found.get(name)) };
    });
  }

  /** A read of these entries shows nothing that is older than what has to be seen when it begins. */
  async #judged(entries: readonly LedgerEntry[], read: () => Promise<Shown>): Promise<void> {
    const { ledger } = this;
    const floors = entries.map(({ group, own }): Seen => {
      return { own: ledger.mustBeSeen(own), group: ledger.mustBeSeen(group) };
    });
    const startedAt = performance.now();
    const [first] = entries;
    if (first === undefined) return;
    try {
      const { status, values } = await read();
      entries.forEach((entry, n) => this.#judge(entry, floors[n] as Seen, status, values[n]));
    } catch (error) {
      ledger.count(this.#thread, 'failedReads');
      if (!(error instanceof LoaderFailure) && !(error instanceof RedisException)) {
        this.#report(`threw ${String(error)}`, first);
      }
    }
    const tookMs = performance.now() - startedAt;
    ledger.count(this.#thread, 'reads', entries.length);
    ledger.noteSlowest(this.#thread, tookMs);
    if (tookMs > LONGEST_CALL_MS) this.#report(`took ${Math.round(tookMs)} ms`, first);
  }

  /** Mostly what has changed just now. */
  #pick(): LedgerEntry {
    const row =
      this.random() < 0.35
        ? this.ledger.hotRow(this.random())
        : Math.floor(this.random() * ENTRIES);
    if (row < ENTRIES) return ALL_ENTRIES[row] as LedgerEntry;
    const member = Math.floor(this.random() * (ENTRIES / GROUPS));
    return ALL_ENTRIES[row - ENTRIES + member * GROUPS] as LedgerEntry;
  }

  /** No writer may lose by it what it has announced. */
  async #invalidate(cache: RedisCache, entry: LedgerEntry): Promise<void> {
    this.ledger.count(this.#thread, 'invalidations');
    const luck = this.random();
    try {
      if (luck < 0.05) await cache.invalidatePattern(`${entry.kind}:${entry.own}*`);
      else if (luck < 0.5) await cache.delete(entry.name);
      else await cache.invalidateTags(...(entry.options().tags ?? [`own-${entry.own}`]));
    } catch {
      // nothing had changed
    }
  }

  #judge(entry: LedgerEntry, floor: Seen, status: string, value: Seen | undefined): void {
    if (value === undefined) {
      this.#report(`${status}: there is none`, entry);
      return;
    }
    for (const name of ['own', 'group'] as const) {
      const seen = value[name];
      if (seen < floor[name]) {
        this.#report(`${status}: ${name} is ${seen}, and ${floor[name]} must be seen`, entry);
      }
      const newest = this.ledger.read(entry[name]);
      if (seen > newest) this.#report(`${status}: ${name} is ${seen}, from nowhere`, entry);
    }
  }

  /** @param context what else the value depends on is told there, if there is one */
  async #load(entry: LedgerEntry, context?: LoadContext): Promise<Seen> {
    this.ledger.count(this.#thread, 'loads');
    const seen = await entry.load(this.ledger, () => this.#pause(), context);
    if (this.random() > 0.99) throw new LoaderFailure('by chance');
    this.ledger.log(entry.own, 'loaded', seen.own);
    return seen;
  }

  async #pause(): Promise<void> {
    const luck = this.random();
    if (luck < 0.3) return;
    if (luck < 0.8) await new Promise(setImmediate);
    else if (luck < 0.98) await sleep(luck * 4);
    else await sleep(this.random() * 60);
  }

  #report(what: string, entry: LedgerEntry): void {
    const events = [entry.own, entry.group].flatMap((row) => this.ledger.history(row));
    this.report({ what: `thread ${this.#thread}: ${what}`, key: String(entry.name), events });
  }
}
