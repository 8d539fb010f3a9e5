import { setTimeout as sleep } from 'node:timers/promises';
import { plusJitter } from '../../time/jitter.js';
import type { CacheAnnouncer } from '../cache-announcer.js';
import type { Versions } from '../entry/envelope.js';
import { isBeingChanged } from '../entry/writers.js';
import { Budget } from '../outage/budget.js';
import { isInsidePlace, type LoadGate, type Turn } from '../outage/load-gate.js';
import { RedisAway } from '../outage/waiting.js';
import { isChanging, judgedBy, type EntryReader, type Verdict } from '../store/entry-reader.js';
import type { Captured } from '../store/claims.js';
import type { ServerClock } from '../store/server-clock.js';
import type { Lease } from './lease.js';
import type { Loaded, LoaderResult, LoadRequest } from './load-request.js';
import { NotCached, type LoadTracing } from './load-tracing.js';
import { Callers, Progress } from './progress.js';
import type { LoaderRunner } from './run-loader.js';
import { RunningLoad } from './running-load.js';
import { HolderWatch } from './signs-of-life.js';
import { readableIn } from './values.js';

/** The time from one look at another process's lease to the next. */
const FIRST_PAUSE_MS = 2;
const LONGEST_PAUSE_MS = 50;

/** The parts of a cache that all of its flights use. */
export interface FlightParts {
  /** The client whose keys are loaded. */
  readonly client: object;
  readonly onOutage: 'open' | 'closed';
  readonly reader: EntryReader;
  readonly leaseFor: (request: LoadRequest) => Lease;
  readonly loaders: LoaderRunner;
  readonly gate: LoadGate;
  readonly clock: ServerClock;
  readonly announcer: CacheAnnouncer;
  readonly tracing: LoadTracing;
}

type Mode = 'load' | 'refresh';

/**
 * Gets the value of one entry, once, for all callers of this process that may share it: takes the lease,
 * loads and fills, or waits for the process that holds the lease, or loads without Redis.
 *
 * @internal
 */
export class Flight {
  readonly request: LoadRequest;
  /** Its loader, and the loaders that wait for it. */
  readonly running: RunningLoad;
  readonly progress = new Progress();
  readonly #parts: FlightParts;
  readonly #budget: Budget;
  readonly #lease: Lease;
  readonly #callers = new Callers();
  readonly #onEnd: ((flight: Flight) => void) | undefined;
  #knownTurn: Turn | undefined;
  #captured: Captured | undefined;
  #isAlone = false;
  #outcome: Promise<Loaded | undefined> | undefined;

  /**
   * @param budget what is left of that of the caller who waits for it first
   * @param onEnd called when there is an outcome, or none
   * @param lease one that has been taken already
   */
  constructor(
    parts: FlightParts,
    request: LoadRequest,
    budget: Budget,
    onEnd?: (flight: Flight) => void,
    lease = parts.leaseFor(request),
  ) {
    this.request = request;
    this.running = new RunningLoad(parts.client, request.keys.entry);
    this.#parts = parts;
    this.#budget = budget;
    this.#lease = lease;
    this.#onEnd = onEnd;
  }

  /** @param verdict on the entry that is not good enough */
  load(verdict: Verdict): this {
    if (isChanging(verdict)) return this.#start(() => this.#loadUncached('miss'));
    return this.#start(() => this.#acquireAndLoad(judgedBy(verdict), 'load'));
  }

  /** Loads without a caller that waits. Ends without a value if another process loads already. */
  refresh(judged: string): this {
    this.#callers.add();
    return this.#start(() => this.#acquireAndLoad(judged, 'refresh'));
  }

  /** Loads without Redis. */
  loadAlone(): this {
    this.#isAlone = true;
    return this.#start(() => this.#loadUncached('bypass'));
  }

  /** Whether it loads without Redis, or waits for its turn to. */
  get isAlone(): boolean {
    return this.#isAlone;
  }

  /** Whether all callers have left, or the load took too long: later callers must not have its outcome. */
  get isAborted(): boolean {
    return this.#callers.abort.isAborted;
  }

  /** Resolves when there is an outcome, or none. Never rejects. */
  get ended(): Promise<unknown> {
    return Promise.resolve(this.#outcome).catch(() => undefined);
  }

  /**
   * @param signal ends the wait of this caller; when the last one leaves, the load is aborted
   * @returns `undefined` if there is no value, and the caller has to start over
   */
  join(signal: AbortSignal | undefined): Promise<Loaded | undefined> {
    // A caller that comes after the abort must not be given the reason of another caller.
    if (this.isAborted) return this.ended.then(() => undefined);
    if (isInsidePlace()) this.#turn.borrow();
    return this.#callers.join(this.#outcome ?? Promise.resolve(undefined), signal);
  }

  /**
   * Whether nothing has been invalidated since it captured its versions, so that a caller that came
   * later may be given what it loads nevertheless.
   *
   * @throws RedisAway
   */
  async isUnchanged({ dependencies, serializer }: LoadRequest, budget: Budget): Promise<boolean> {
    if (this.progress.phase !== 'loading' || this.isAborted) return false;
    if (serializer.name !== this.request.serializer.name) return false;
    const captured = this.#captured ?? NO_VERSIONS;
    if (!dependencies.all.every(({ label }) => captured.has(label))) return false;
    return this.#lease.isUnchanged(captured, budget);
  }

  /** To load without Redis, if it comes to that. */
  get #turn(): Turn {
    const { peers, keys, policy } = this.request;
    return (this.#knownTurn ??=
      peers?.turn ?? this.#parts.gate.turn(keys.entry, policy.loadTimeoutMs));
  }

  #start(run: () => Promise<Loaded | undefined>): this {
    this.#outcome = this.#runToEnd(run);
    this.#outcome.catch(ignore); // all callers may have left
    return this;
  }

  async #runToEnd(run: () => Promise<Loaded | undefined>): Promise<Loaded | undefined> {
    try {
      return await run();
    } finally {
      this.progress.end();
      this.#onEnd?.(this);
    }
  }

  async #acquireAndLoad(judged: string, mode: Mode): Promise<Loaded | undefined> {
    try {
      const acquired = await this.#acquire(judged, mode);
      return 'versions' in acquired ? await this.#loadAndFill(acquired.versions) : acquired.found;
    } catch (error) {
      if (!(error instanceof RedisAway)) throw error;
      if (mode === 'refresh') return undefined;
      if (this.#parts.onOutage === 'closed') throw error.error;
      this.#isAlone = true;
      return this.#loadUncached('bypass');
    }
  }

  /** @returns the versions captured with the lease, or what was loaded meanwhile */
  async #acquire(
    judged: string,
    mode: Mode,
  ): Promise<{ readonly versions: Captured } | { readonly found: Loaded | undefined }> {
    // For a load that takes as long as it may, and one that follows it.
    const giveUpAt = performance.now() + 2 * this.#lease.lastsMs;
    const { peers, policy } = this.request;
    const holder = new HolderWatch(policy.timeoutMs);
    for (;;) {
      const claim = this.#lease.claim(judged, holder.orphan, this.#budget, this.#storeLate);
      const claimed = await this.progress.ask(peers?.deciding(claim) ?? claim);
      if (claimed.state === 'acquired') return claimed;
      if (claimed.state === 'held') {
        holder.sees(claimed.lease);
        if (holder.orphan !== undefined) continue;
      }
      if (mode === 'refresh') {
        this.progress.wait();
        await sleep(LONGEST_PAUSE_MS); // or each stale hit would ask for the lease again
        return { found: undefined };
      }
      if (claimed.state === 'changing') return { found: await this.#loadUncached('miss') };
      const verdict =
        claimed.state === 'held'
          ? await this.#parts.tracing.leaseWait(() => this.#awaitHolder(holder, giveUpAt))
          : await this.progress.ask(this.#look(this.#budget));
      const found = readableIn(verdict, this.request);
      if (found) return { found };
      if (isChanging(verdict)) return { found: await this.#loadUncached('miss') };
      if (performance.now() > giveUpAt) {
        this.#isAlone = true;
        return { found: await this.#loadUncached('bypass') };
      }
      judged = judgedBy(verdict);
    }
  }

  /** Waits until there is a usable entry, or no holder of the lease that can be alive. */
  async #awaitHolder(holder: HolderWatch, giveUpAt: number): Promise<Verdict> {
    const { announcer, clock } = this.#parts;
    const { keys, policy, peers } = this.request;
    const startedAt = performance.now();
    let pauseMs = FIRST_PAUSE_MS;
    for (;;) {
      this.progress.wait();
      await (peers?.pause(pauseMs) ?? sleep(plusJitter(pauseMs)));
      pauseMs = Math.min(pauseMs * 1.5, LONGEST_PAUSE_MS);
      this.#callers.abort.throwIfAborted();
      const looking = this.#look(new Budget(policy.timeoutMs));
      const both = Promise.all([looking, this.#lease.stored()]);
      const [verdict, lease] = await this.progress.ask(both);
      holder.sees(lease);
      const isFound = readableIn(verdict, this.request) !== undefined;
      const isVain = isChanging(verdict) || isBeingChanged(lease, clock.now());
      const isHeld = lease !== null && holder.orphan === undefined;
      if (!isFound && !isVain && isHeld && performance.now() <= giveUpAt) continue;
      const durationMs = performance.now() - startedAt;
      announcer.announce('cache.lease-wait', { key: keys.entry, durationMs });
      return verdict;
    }
  }

  #look(budget: Budget): Promise<Verdict> {
    const { keys, dependencies } = this.request;
    const looking = this.#parts.reader.look(keys, dependencies, budget);
    return this.#parts.announcer.failureOf(looking, keys.entry, 'read');
  }

  /** @param captured the versions that were captured with the lease; the loader adds others */
  async #loadAndFill(captured: Captured): Promise<Loaded> {
    this.#captured = captured;
    this.progress.load();
    try {
      const loaded = await this.#parts.tracing.load(async () => {
        const value = await this.#runLoader(captured);
        const outcome = await this.#lease.fill(value, captured, this.#budget);
        return { value, outcome };
      });
      return this.#loaded(loaded, 'miss');
    } catch (error) {
      this.#lease.release();
      const lastKnown = error instanceof NotCached ? undefined : await this.#lastKnown();
      if (lastKnown) return lastKnown;
      throw error;
    }
  }

  /** The value that may be served although the loader failed, read again: it may be invalid by now. */
  async #lastKnown(): Promise<Loaded | undefined> {
    const { failSafeMs, staleForMs } = this.request.policy;
    if (failSafeMs === 0) return undefined;
    const looking = this.progress.ask(this.#look(this.#budget));
    const verdict = await looking.catch(() => undefined);
    return verdict && readableIn(verdict, this.request, staleForMs + failSafeMs);
  }

  /**
   * Loads for callers that come next, when the lease came after the first callers had gone on without it.
   * What those have loaded may be older than its versions.
   */
  readonly #storeLate = (versions: Captured): void => {
    if (this.isAborted) {
      this.#lease.release();
      return;
    }
    const budget = new Budget(this.request.policy.timeoutMs);
    this.#parts.tracing.aside(() => {
      const flight = new Flight(this.#parts, this.request, budget, undefined, this.#lease);
      flight.#start(() => flight.#loadAndFill(versions));
    });
  };

  /**
   * Loads without a lease: Redis is away and cannot give one, or what is loaded is being changed and must
   * not be stored.
   */
  #loadUncached(status: 'miss' | 'bypass'): Promise<Loaded> {
    const { announcer, tracing } = this.#parts;
    const key = this.request.keys.entry;
    this.progress.wait();
    return this.#turn.run(async () => {
      this.progress.loadAlone();
      const value = await tracing.load(async () => {
        return { value: await this.#runLoader(new Map()), outcome: 'skipped' };
      });
      const { durationMs } = value;
      announcer.announce('cache.load', { key, durationMs, outcome: 'skipped' });
      return this.#loaded(value, status);
    });
  }

  #loaded({ kind, body, isComplete }: LoaderResult, status: 'miss' | 'bypass'): Loaded {
    return { kind, body, status, loadedAt: this.#parts.clock.now(), isComplete };
  }

  #runLoader(captured: Captured): Promise<LoaderResult> {
    const redis = this.progress.phase === 'alone' ? this.#lease.notHeld : this.#lease;
    const { abort } = this.#callers;
    return this.#parts.loaders.run(this.request, redis, captured, this.running, abort);
  }
}

const NO_VERSIONS: Versions = new Map();

const ignore = (): void => undefined;
