import { ReadCoalescer } from '../../batch/read-coalescer.js';
import type { ReadSink } from '../../batch/read-command.js';
import type { Connection } from '../../connection/connection.js';
import { ConfirmedWrites, type ReplicaDemand } from '../../connection/confirmed-writes.js';
import { groupBySlot, isCluster } from '../../connection/driver/hash-slots.js';
import type { RedisScript } from '../../connection/driver/redis-script.js';
import { LocalChanges } from '../../connection/local-changes.js';
import type { RedisClient } from '../../connection/options/options.js';
import { RedisUnconfirmedException } from '../../errors/redis-unconfirmed.exception.js';
import type { Dependency, DependencyList } from '../entry/dependencies.js';
import { HEADER_LENGTH, type Versions } from '../entry/envelope.js';
import { hasGaps } from '../entry/writers.js';
import type { Ask } from '../outage/attempt.js';
import { Budget, type Task } from '../outage/budget.js';
import type { GuardedRead } from '../outage/guarded-read.js';
import type { OutageGuard, Undertaking } from '../outage/outage-guard.js';
import { AbandonedLeases } from './abandoned-leases.js';
import type { EntryKeys } from './claim-command.js';
import { Claims, type ClaimSink } from './claims.js';
import { DependencyVersions } from './dependency-versions.js';
import { Fills, isFilled, type FillSink } from './fills.js';
import { ANNOUNCE, BEAT, FILL, RELEASE, SEIZE, WITHDRAW } from './scripts.js';
import { ServerClock } from './server-clock.js';

export type { EntryKeys } from './claim-command.js';

/** Everything that is stored about an entry. */
export interface Inspected {
  /** The answer to TYPE for the entry: `string`, `none`, or something foreign. */
  readonly type: string;
  /** The entry; `null` for nothing, and for something foreign. */
  readonly bytes: Buffer | null;
  /** How long Redis keeps the entry, and the lease: what PTTL says. */
  readonly leftMs: number;
  readonly leaseLeftMs: number;
  readonly lease: string | null;
}

/** A call of `change`. */
export interface Writer {
  readonly token: string;
  /** How long after its last sign of life it counts as gone. */
  readonly liveMs: number;
}

/**
 * Does the work of a cache in Redis: each method one round trip (in a cluster one to each node), none of
 * them more than one hash slot with one command.
 *
 * @throws RedisException every method, for what Redis failed with
 * @internal
 */
export class CacheStore {
  readonly clock: ServerClock;
  /** The versions of what entries depend on. */
  readonly versions: DependencyVersions;
  readonly #connection: Connection;
  readonly #client: RedisClient;
  readonly #guard: OutageGuard;
  readonly #ask: Ask;
  readonly #coalescer: ReadCoalescer;
  readonly #demand: ReplicaDemand | undefined;
  readonly #changes: LocalChanges;
  /** Made with the first claim, and the first fill: the store of a single attempt makes none. */
  #claims: Claims | undefined;
  #fills: Fills | undefined;

  /**
   * @param demand the replicas that have to confirm what invalidates
   * @param ask counts how the server of each command answers
   */
  constructor(
    connection: Connection,
    guard: OutageGuard,
    demand?: ReplicaDemand,
    ask: Ask = (_key, reply) => reply,
    clock = new ServerClock(),
  ) {
    this.#connection = connection;
    this.#client = connection.client;
    this.#guard = guard;
    this.#demand = demand;
    this.#ask = ask;
    this.#coalescer = connection.part(ReadCoalescer);
    this.#changes = connection.part(LocalChanges);
    this.clock = clock;
    const sent: Ask = (key, reply) => this.#sent(key, reply);
    this.versions = new DependencyVersions(connection.client, this.#coalescer, sent);
  }

  /**
   * Does something if Redis can be expected to answer, and waits for it no longer than the budget.
   *
   * @throws RedisAway
   */
  attempt<T>(undertaking: Undertaking, work: (store: CacheStore) => Promise<T>): Promise<T> {
    return this.#guard.attempt(undertaking, (ask) => work(this.#asking(ask)));
  }

  /**
   * Does something even if Redis cannot be expected to answer, and waits no longer than the budget.
   *
   * @throws RedisAway
   */
  insist<T>(task: Task, work: (store: CacheStore) => Promise<T>): Promise<T> {
    return this.#guard.insist(task, (ask) => work(this.#asking(ask)));
  }

  /**
   * The time for something that invalidates, in a cache with this `timeout`. Replicas have theirs on top for
   * each command, and once more: an earlier invalidation may still be waiting for them.
   */
  budget(timeoutMs: number): Budget {
    const commands = isCluster(this.#client) ? 2 : 1;
    return new Budget(timeoutMs + 2 * commands * (this.#demand?.timeoutMs ?? 0));
  }

  /** Whether replicas confirm what invalidates. */
  get isConfirmed(): boolean {
    return this.#demand !== undefined;
  }

  /** Does the same, and has no replica confirm it. */
  get unconfirmed(): CacheStore {
    return new CacheStore(this.#connection, this.#guard, undefined, this.#ask, this.clock);
  }

  #asking(ask: Ask): CacheStore {
    return new CacheStore(this.#connection, this.#guard, this.#demand, ask, this.clock);
  }

  /**
   * Reads what is stored at a key, followed by the versions of the dependencies: `null` for what is not
   * there. Where content is compared, fingerprints stand between the versions.
   *
   * @param sink gets a RedisException for what could not be read
   */
  read(sink: ReadSink, key: string, list: DependencyList): void {
    const isPlain = list.versions.keys.length === list.all.length;
    const whole = isPlain ? sink : this.versions.beside(sink, list.all);
    this.#coalescer.readInto(whole, key, list.versions);
  }

  /**
   * Takes the lease, and the versions of everything the load will depend on. Shares its round trip with all
   * claims of this tick.
   *
   * @param claim gets a RedisException for what Redis failed with, or would have
   */
  claim<T>(claim: GuardedRead<T> & ClaimSink): void {
    const away = this.#guard.admit(claim);
    if (away) {
      claim.failed(away.error);
      return;
    }
    this.#claims ??= new Claims(this.#connection, this.versions, this.clock);
    this.#claims.add(claim);
  }

  /** The beginning of what is stored at a key, which tells the load that has made it; '' for nothing. */
  head(key: string): Promise<Buffer> {
    return this.#sent(key, this.#client.getrangeBuffer(key, 0, HEADER_LENGTH - 1));
  }

  /** Reads everything that is stored about an entry, and changes nothing. */
  async inspect({ entry, lease }: EntryKeys): Promise<Inspected> {
    const client = this.#client;
    const [type, [bytes = null], leftMs, [holder = null], leaseLeftMs] = await Promise.all([
      this.#sent(entry, client.type(entry)),
      this.#sent(entry, client.mgetBuffer(entry)), // null for anything but a string
      this.#sent(entry, client.pttl(entry)).then(Number), // a client may give numbers as strings
      this.#sent(lease, client.mget(lease)),
      this.#sent(lease, client.pttl(lease)).then(Number),
    ]);
    return { type, bytes, leftMs, lease: holder, leaseLeftMs };
  }

  /** The lease as it is: begins with the token of the load that may fill the entry. `null` for none. */
  lease({ lease }: EntryKeys): Promise<string | null> {
    return this.#ask(lease, this.#coalescer.read(lease));
  }

  /**
   * Stores what was loaded, if the lease is still held under its token. Shares its round trip with all that
   * is stored in this tick.
   *
   * @param fill gets a RedisException for what Redis failed with, or would have
   */
  fill<T>(fill: GuardedRead<T> & FillSink): void {
    const away = this.#guard.admit(fill);
    if (away) {
      fill.failed(away.error);
      return;
    }
    this.#fills ??= new Fills(this.#connection);
    this.#fills.add(fill);
  }

  /**
   * Stores a value that replaces the one that was there.
   *
   * @returns whether it was stored: the lease was still held under this token
   */
  async replace({ entry, lease }: EntryKeys, token: string, bytes: Buffer, liveMs: number) {
    const args = [token, bytes, `${Math.round(liveMs)}`];
    const filled = await this.#changes.around([entry], () =>
      this.#changed(entry, FILL, [entry, lease], args),
    );
    return isFilled((filled as unknown[])[0]);
  }

  /**
   * Takes the lease from any holder, and the versions.
   *
   * @returns `undefined` if something is being changed: an entry stored now would be invalid
   */
  async seize(
    { lease }: EntryKeys,
    { token, leaseMs }: { readonly token: string; readonly leaseMs: number },
    dependencies: readonly Dependency[],
    liveMs: number,
  ): Promise<Versions | undefined> {
    const args = [token, `${Math.max(1, Math.round(leaseMs))}`];
    const [versions, seized] = await Promise.all([
      this.versions.capture(dependencies, liveMs),
      this.#sent(lease, SEIZE.run(this.#client, [lease], args)),
    ]);
    return seized === 1 && !hasGaps(versions) ? versions : undefined;
  }

  /** Shows that the holder of the lease lives. Sends nothing over a connection that is not ready. */
  async beat({ lease }: EntryKeys, token: string, n: number): Promise<void> {
    if (this.#client.status !== 'ready') return;
    await this.#sent(lease, BEAT.run(this.#client, [lease], [token, `.${n}`]));
  }

  /** Gives the lease back, without a wait. If that fails, it is repeated when the connection is ready. */
  release({ lease }: EntryKeys, token: string): void {
    const giveBack = () => RELEASE.run(this.#client, [lease], [token]);
    giveBack().catch(() => {
      this.#connection.part(AbandonedLeases).add(lease, giveBack);
    });
  }

  /**
   * Removes an entry. The lease goes first: once it is gone no load that is under way can bring the entry
   * back. In a cluster it takes two round trips: one command for both fails while their slot is being
   * moved.
   *
   * A lease stays while it holds writers that are changing the entry.
   *
   * @param writer the token of a writer that has finished
   * @returns whether there was an entry
   */
  remove({ entry, lease }: EntryKeys, writer = ''): Promise<boolean> {
    return this.#changes.around([entry], async () => {
      if (!isCluster(this.#client))
        return (await this.#withdraw(entry, [lease], writer, [entry])) > 0;
      try {
        await this.#withdraw(lease, [lease], writer);
      } catch (error) {
        if (error instanceof RedisUnconfirmedException) await this.unconfirmed.#unlink(entry);
        throw error;
      }
      return (await this.#unlink(entry)) === 1;
    });
  }

  /**
   * Makes everything invalid that depends on the version at this key. Writers that are changing it stay
   * there: it is invalid already.
   *
   * @param writer the token of a writer that has finished
   */
  async drop(key: string, writer = ''): Promise<void> {
    await this.#changes.around([key], () => this.#withdraw(key, [key], writer));
  }

  /** `drop` for many leases; in a cluster each with a command of its own. */
  async dropAll(leases: readonly string[]): Promise<void> {
    const groups = isCluster(this.#client) ? leases.map((lease) => [lease]) : [[...leases]];
    const drop = async ([first, ...others]: readonly string[]) => {
      if (first !== undefined) await this.#withdraw(first, [first, ...others], '');
    };
    await Promise.all(groups.map(drop));
  }

  /** Removes entries whose leases are gone. @returns how many there were */
  async removeAll(entries: readonly string[]): Promise<number> {
    const groups = groupBySlot(this.#client, entries);
    const removed = await this.#changes.around(entries, () =>
      Promise.all(groups.map((some) => this.#withdraw(some[0] as string, [], '', some))),
    );
    return removed.reduce((sum, count) => sum + count, 0);
  }

  /** Announces that a writer is changing what the version at this key stands for. */
  async announce(key: string, writer: Writer): Promise<void> {
    await this.#changes.around([key], () => this.#announce(key, [key], writer));
  }

  /**
   * Announces that a writer is changing an entry, so that no load can fill it, and removes the entry. In
   * a cluster two round trips, for the same reason as in `remove`.
   */
  async announceEntry({ entry, lease }: EntryKeys, writer: Writer): Promise<void> {
    await this.#changes.around([entry], async () => {
      if (!isCluster(this.#client)) return this.#announce(entry, [lease, entry], writer);
      await this.#announce(lease, [lease], writer);
      return this.#unlink(entry);
    });
  }

  #announce(key: string, keys: readonly string[], { token, liveMs }: Writer): Promise<unknown> {
    return this.#changed(key, ANNOUNCE, keys, [token, `${liveMs}`]);
  }

  #withdraw(
    key: string,
    lists: readonly string[],
    writer: string,
    entries: readonly string[] = [],
  ): Promise<number> {
    const args = [writer, `${entries.length}`, ...(this.#demand ? ['confirmed'] : [])];
    const reply = this.#changed(key, WITHDRAW, [...lists, ...entries], args);
    return reply.then(Number); // a client may be set to give numbers as strings
  }

  #unlink(entry: string): Promise<number> {
    if (this.#demand) return this.#withdraw(entry, [], '', [entry]);
    return this.#sent(entry, this.#client.unlink(entry));
  }

  /** Sends what makes something invalid: it is done when the replicas that the cache demands have it. */
  #changed(
    key: string,
    script: RedisScript,
    keys: readonly string[],
    args: readonly (string | Buffer)[],
  ): Promise<unknown> {
    if (!this.#demand) return this.#sent(key, script.run(this.#client, keys, args));
    const confirmed = this.#connection.part(ConfirmedWrites);
    return this.#sent(key, confirmed.run(this.#demand, script, keys, args));
  }

  /** Translates the driver's errors, and has the guard count how the server of the key answers. */
  #sent<R>(key: string, reply: Promise<R>): Promise<R> {
    return this.#ask(
      key,
      this.#connection.run(() => reply),
    );
  }
}
