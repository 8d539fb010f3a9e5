import { ReadCoalescer } from '../../batch/read-coalescer.js';
import type { ReadSink } from '../../batch/read-part.js';
import { groupBySlot, isCluster } from '../../connection/driver/hash-slots.js';
import type { RedisClient } from '../../connection/options/options.js';
import { connectionOf } from '../../connection/connection.js';
import type { Dependency } from '../entry/dependency.js';
import type { DependencyList } from '../entry/dependency-list.js';
import type { Versions } from '../entry/versions.js';
import { hasGaps } from '../entry/writers.js';
import type { Ask } from '../outage/attempt.js';
import { AbandonedLeases } from './abandoned-leases.js';
import { Fingerprints } from './fingerprints.js';
import { ACQUIRE, ANNOUNCE, BEAT, CAPTURE, FILL, RELEASE, SEIZE, WITHDRAW } from './scripts.js';
import { ServerClock } from './server-clock.js';
import { uniqueId } from './unique-id.js';

/** The two keys of an entry; in a cluster they are in one hash slot. */
export interface EntryKeys {
  readonly entry: string;
  readonly lease: string;
}

/** What came of asking for a lease. */
export type Claimed =
  | {
      readonly state: 'acquired';
      readonly versions: Versions;
      /** Whether something else than text is stored where the entry should be. */
      readonly isForeign: boolean;
    }
  /** The lease as it is now. */
  | { readonly state: 'held'; readonly lease: string }
  /** The entry has been filled since it was judged. */
  | { readonly state: 'changed' }
  /** A writer is changing what the entry is made from: what is loaded now must not be stored. */
  | { readonly state: 'changing' };

/** Who asks for a lease. */
export interface Claim {
  readonly token: string;
  readonly leaseMs: number;
  /** The fill id of the entry that was not good enough, '' for none. */
  readonly judged: string;
  /** The lease of a holder that is gone: it may be taken over. */
  readonly orphan?: string | undefined;
}

/** A call of `change`. */
export interface Writer {
  readonly token: string;
  /** How long after its last sign of life it counts as gone. */
  readonly liveMs: number;
}

type AcquireReply = readonly [Claimed['state'], now: number, isForeign?: number, lease?: string];

/** Versions live longer than the entries that depend on them, and long enough to be prolonged rarely. */
const LEAST_GENEROUS_MS = 3_600_000;

/**
 * What a cache does in Redis: each method one round trip (in a cluster one to each node), none of them
 * more than one hash slot with one command.
 *
 * @throws RedisException every method, for what Redis failed with
 * @internal
 */
export class CacheStore {
  readonly clock: ServerClock;
  readonly #client: RedisClient;
  readonly #coalescer: ReadCoalescer;
  readonly #ask: Ask;
  readonly #prints: Fingerprints;

  constructor(client: RedisClient, ask: Ask = (_key, reply) => reply, clock = new ServerClock()) {
    this.#client = client;
    this.#coalescer = ReadCoalescer.of(client);
    this.#ask = ask;
    this.clock = clock;
    this.#prints = new Fingerprints(client, (key, reply) => this.#door(key, reply));
  }

  /** The same store for one attempt, which takes note of how the server of each command fares. */
  noting(ask: Ask): CacheStore {
    return new CacheStore(this.#client, ask, this.clock);
  }

  /**
   * What is stored at a key, followed by what the dependencies are at now: `null` for what is not there.
   * Where content is compared, fingerprints stand between the versions.
   *
   * @param sink is given a RedisException for what could not be read
   */
  read(sink: ReadSink, key: string, list: DependencyList): void {
    const isPlain = list.versions.keys.length === list.all.length;
    const whole = isPlain ? sink : this.#prints.beside(sink, list.all);
    this.#coalescer.readInto(whole, key, list.versions);
  }

  /**
   * Takes the lease, and the versions of everything the load will depend on.
   *
   * @param liveMs how long the entry that is to be made will live
   */
  async acquire(
    { entry, lease }: EntryKeys,
    { token, leaseMs, judged, orphan = '' }: Claim,
    dependencies: readonly Dependency[],
    liveMs: number,
  ): Promise<Claimed> {
    const askedAt = performance.now();
    const acquired = ACQUIRE.run(
      this.#client,
      [entry, lease],
      [token, `${leaseMs}`, judged, orphan],
    );
    const [reply, versions] = await Promise.all([
      this.#door(entry, acquired),
      this.capture(dependencies, liveMs),
    ]);
    const [state, now, isForeign, holding = ''] = reply as AcquireReply;
    this.clock.learn(now, askedAt);
    if (state !== 'changed' && hasGaps(versions)) {
      if (state === 'acquired') this.release({ entry, lease }, token);
      return { state: 'changing' };
    }
    if (state === 'acquired') return { state, versions, isForeign: isForeign === 1 };
    return state === 'held' ? { state, lease: holding } : { state };
  }

  /** What each of these is at now. */
  async versions(dependencies: readonly Dependency[]): Promise<(string | null)[]> {
    return Promise.all(
      dependencies.map(({ by, key }) =>
        by === 'version' ? this.#ask(key, this.#coalescer.read(key)) : this.#prints.of(key),
      ),
    );
  }

  /** The lease as it is: begins with the token of the load that may fill the entry. `null` for none. */
  lease({ lease }: EntryKeys): Promise<string | null> {
    return this.#ask(lease, this.#coalescer.read(lease));
  }

  /** The versions of dependencies, made for those that have none. `null` for what is being changed. */
  async capture(dependencies: readonly Dependency[], liveMs: number): Promise<Versions> {
    const versions = new Map<string, string | null>();
    if (dependencies.length === 0) return versions;
    for (const { label } of dependencies) versions.set(label, null); // in the order they are named
    const byKey = new Map<string, Dependency>();
    const work: Promise<unknown>[] = [];
    for (const dependency of dependencies) {
      if (dependency.by === 'version') byKey.set(dependency.key, dependency);
      else work.push(this.#capturePrint(dependency, versions));
    }
    const least = Math.round(liveMs);
    const args = [uniqueId(), `${least}`, `${Math.max(2 * least, LEAST_GENEROUS_MS)}`];
    for (const keys of groupBySlot(this.#client, [...byKey.keys()])) {
      const pairs = keys.flatMap((key) => [key, byKey.get(key)?.entity ?? key]);
      const captured = this.#door(pairs[0] as string, CAPTURE.run(this.#client, pairs, args));
      work.push(
        captured.then((found) => {
          keys.forEach((key, i) => {
            versions.set(
              (byKey.get(key) as Dependency).label,
              (found as (string | null)[])[i] ?? null,
            );
          });
        }),
      );
    }
    await Promise.all(work);
    return versions;
  }

  /** The text at a key together with the fingerprint that it has as a dependency. */
  readContent(key: string): Promise<{ text: string | null; version: string }> {
    return this.#prints.content(key);
  }

  /** @returns whether it was stored: the lease was still ours */
  async fill({ entry, lease }: EntryKeys, token: string, bytes: Buffer, liveMs: number) {
    const args = [token, bytes, `${Math.round(liveMs)}`];
    return (await this.#door(entry, FILL.run(this.#client, [entry, lease], args))) === 1;
  }

  /**
   * Takes the lease from any holder, and the versions.
   *
   * @returns `undefined` if something is being changed: whatever is stored now would be invalid
   */
  async seize(
    { lease }: EntryKeys,
    { token, leaseMs }: { readonly token: string; readonly leaseMs: number },
    dependencies: readonly Dependency[],
    liveMs: number,
  ): Promise<Versions | undefined> {
    const args = [token, `${Math.max(1, Math.round(leaseMs))}`];
    const [versions, seized] = await Promise.all([
      this.capture(dependencies, liveMs),
      this.#door(lease, SEIZE.run(this.#client, [lease], args)),
    ]);
    return seized === 1 && !hasGaps(versions) ? versions : undefined;
  }

  /** Shows that the holder of the lease lives. Sends nothing over a connection that is not ready. */
  async beat({ lease }: EntryKeys, token: string, n: number): Promise<void> {
    if (this.#client.status !== 'ready') return;
    await this.#door(lease, BEAT.run(this.#client, [lease], [token, `.${n}`]));
  }

  /** Nobody waits for it. What fails is repeated once the connection is ready again. */
  release({ lease }: EntryKeys, token: string): void {
    const giveBack = () => RELEASE.run(this.#client, [lease], [token]);
    giveBack().catch(() => {
      AbandonedLeases.of(this.#client).add(lease, giveBack);
    });
  }

  /**
   * The lease goes first: once it is gone no load that is under way can bring the entry back. In a
   * cluster it takes two round trips: one command for both fails while their slot is being moved.
   *
   * A lease stays on which writers stand that are changing the entry.
   *
   * @param writer the token of one that has done
   * @returns whether there was an entry
   */
  async remove({ entry, lease }: EntryKeys, writer = ''): Promise<boolean> {
    if (!isCluster(this.#client))
      return (await this.#withdraw(entry, [lease], writer, [entry])) > 0;
    await this.#withdraw(lease, [lease], writer);
    return (await this.#door(entry, this.#client.unlink(entry))) === 1;
  }

  /**
   * Makes everything invalid that depends on the version at this key. Writers that are changing it stay
   * there: it is invalid already.
   *
   * @param writer the token of one that has done
   */
  async drop(key: string, writer = ''): Promise<void> {
    await this.#withdraw(key, [key], writer);
  }

  /** The same for many leases; in a cluster each by a command of its own. */
  async dropAll(leases: readonly string[]): Promise<void> {
    const groups = isCluster(this.#client) ? leases.map((lease) => [lease]) : [[...leases]];
    const drop = async ([first, ...others]: readonly string[]) => {
      if (first !== undefined) await this.#withdraw(first, [first, ...others], '');
    };
    await Promise.all(groups.map(drop));
  }

  /** Says that a writer is changing what the version at this key stands for. */
  async announce(key: string, writer: Writer): Promise<void> {
    await this.#announce(key, [key], writer);
  }

  /**
   * Says that a writer is changing an entry, so that no load can fill it, and removes it. In a
   * cluster two round trips, for the same reason as in `remove`.
   */
  async announceEntry({ entry, lease }: EntryKeys, writer: Writer): Promise<void> {
    if (!isCluster(this.#client)) {
      await this.#announce(entry, [lease, entry], writer);
      return;
    }
    await this.#announce(lease, [lease], writer);
    await this.#door(entry, this.#client.unlink(entry));
  }

  #announce(key: string, keys: readonly string[], { token, liveMs }: Writer): Promise<unknown> {
    return this.#door(key, ANNOUNCE.run(this.#client, keys, [token, `${liveMs}`]));
  }

  #withdraw(
    key: string,
    lists: readonly string[],
    writer: string,
    entries: readonly string[] = [],
  ): Promise<number> {
    const args = [writer, `${entries.length}`];
    const reply = WITHDRAW.run(this.#client, [...lists, ...entries], args);
    return this.#door(key, reply.then(Number)); // a client may be set to give numbers as strings
  }

  async #capturePrint({ key, label }: Dependency, versions: Map<string, string | null>) {
    versions.set(label, await this.#prints.fitting(key));
  }

  /** Where the driver's errors become ours, and what its server did is taken note of. */
  #door<R>(key: string, reply: Promise<R>): Promise<R> {
    const translated = reply.catch((error: unknown) => {
      throw connectionOf(this.#client).exceptionOf(error);
    });
    return this.#ask(key, translated);
  }
}
