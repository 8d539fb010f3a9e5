import { setTimeout as sleep } from 'node:timers/promises';
import { plusJitter } from '../../time/jitter.js';
import { whenAborted } from '../../time/until-abort.js';
import type { CacheParts, Loaded, LoadRequest } from './load-request.js';
import type { Dependency } from '../entry/dependencies.js';
import type { Versions } from '../entry/envelope.js';
import { isBeingChanged } from '../entry/writers.js';
import { Budget } from '../outage/budget.js';
import type { Turn } from '../outage/load-gate.js';
import { RedisAway } from '../outage/waiting.js';
import type { Verdict } from '../store/entry-reader.js';
import { isReadable } from './values.js';
import { entryFound, foundFor, isChanging, judgedBy } from './found.js';
import { Lease } from './lease.js';
import { Load, type LoadedValue } from './run-loader.js';
import { loadSource } from './load-source.js';
import { NotCached } from './not-cached.js';
import { Progress } from './progress.js';
import { RedisCalls } from './redis-calls.js';
import { RunningLoad } from './running-load.js';
import { Vigil } from './vigil.js';

/** The time from one look at another process's lease to the next. */
const FIRST_PAUSE_MS = 2;
const LONGEST_PAUSE_MS = 50;

/**
 * One attempt of this process to get the value of one entry, which several callers may share: it takes
 * the lease, loads and fills, or waits for whoever holds the lease.
 *
 * @internal
 */
export class Flight {
  /** Its loader, and the loaders that wait for it. */
  readonly running: RunningLoad;
  readonly #parts: CacheParts;
  readonly #request: LoadRequest;
  readonly #budget: Budget;
  readonly #calls: RedisCalls;
  readonly #lease: Lease;
  /** To load without Redis, if it comes to that. */
  readonly #turn: Turn;
  readonly #progress = new Progress();
  readonly #abort = new AbortController();
  #captured = new Map<string, string | null>();
  #isAlone = false;
  #callers = 0;
  #outcome: Promise<Loaded | undefined> | undefined;

  /**
   * @param budget what is left of that of the caller who waits for it first
   * @param lease one that has been taken already
   */
  constructor(parts: CacheParts, request: LoadRequest, budget: Budget, lease?: Lease) {
    this.running = new RunningLoad(parts.client, request.keys.entry);
    this.#parts = parts;
    this.#request = request;
    this.#budget = budget;
    this.#calls = new RedisCalls(parts, request);
    this.#lease = lease ?? new Lease(parts, request, this.#calls);
    this.#turn =
      request.peers?.turn ?? parts.gate.turn(request.keys.entry, request.policy.loadTimeoutMs);
  }

  /** @param verdict on the entry that is not good enough */
  load(verdict: Verdict): this {
    if (isChanging(verdict)) return this.#start(() => this.#loadUncached('miss'));
    return this.#start(() => this.#acquireAndLoad(judgedBy(verdict), 'load'));
  }

  /** The same for nobody who waits: ends without a value if another process does it already. */
  refresh(judged: string): this {
    this.#callers++;
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

  /** Whether everybody has left, or the load took too long: nobody else is given what comes of that. */
  get isAborted(): boolean {
    return this.#abort.signal.aborted;
  }

  /** When there is an outcome, or none. Never rejects. */
  get ended(): Promise<unknown> {
    return Promise.resolve(this.#outcome).catch(() => undefined);
  }

  /** When Redis has answered what decides how to go on. */
  settled(): Promise<void> {
    return this.#progress.settled();
  }

  /**
   * Whether what it gives was read or loaded after a caller's own read began: then it reflects
   * everything that the caller may expect.
   */
  follows(moment: number, request: LoadRequest): boolean {
    return this.#progress.isAfter(moment) && !this.isAborted && this.#isFor(request);
  }

  /**
   * Whether nothing has been invalidated since it captured its versions, so that a caller who came
   * later may be given what it loads all the same.
   *
   * @throws RedisAway
   */
  async isUnchanged({ dependencies, serializer }: LoadRequest, budget: Budget): Promise<boolean> {
    if (this.#progress.phase !== 'loading' || this.isAborted) return false;
    if (serializer.name !== this.#request.serializer.name) return false;
    if (!dependencies.all.every(({ label }) => this.#captured.has(label))) return false;
    return this.#lease.isUnchanged(this.#captured, budget);
  }

  /**
   * @param signal ends the wait of this caller; when the last one leaves, the load is aborted
   * @returns `undefined` if there is no value, and the caller has to start over
   */
  join(signal: AbortSignal | undefined): Promise<Loaded | undefined> {
    // Who comes after it was aborted is not to be given the reason of somebody else.
    if (this.#abort.signal.aborted) return this.ended.then(() => undefined);
    this.#callers++;
    this.#turn.borrow();
    const outcome = this.#outcome ?? Promise.resolve(undefined);
    if (!signal) return outcome;
    return new Promise((resolve, reject) => {
      const leave = () => {
        reject(signal.reason as Error);
        if (--this.#callers === 0) this.#abort.abort(signal.reason);
      };
      if (signal.aborted) {
        leave();
        return;
      }
      outcome.finally(whenAborted(signal, leave)).then(resolve, reject);
    });
  }

  #start(run: () => Promise<Loaded | undefined>): this {
    this.#outcome = run().finally(() => {
      this.#progress.end();
    });
    this.#outcome.catch(() => undefined); // all callers may have left
    return this;
  }

  async #acquireAndLoad(judged: string, mode: 'load' | 'refresh'): Promise<Loaded | undefined> {
    try {
      const acquired = await this.#acquire(judged, mode);
      return 'versions' in acquired ? await this.#loadAndFill(acquired.versions) : acquired.found;
    } catch (error) {
      if (!(error instanceof RedisAway)) throw error;
      if (mode === 'refresh') return undefined;
      if (this.#parts.options.onOutage === 'closed') throw error.error;
      this.#isAlone = true;
      return this.#loadUncached('bypass');
    }
  }

  /**
   * The lease came when its callers had gone on without it. What they have loaded may be older than its
   * versions, so it is loaded once more, for those who come next.
   */
  readonly #storeLate = (versions: Versions): void => {
    if (this.isAborted) {
      this.#lease.release();
      return;
    }
    const budget = new Budget(this.#request.policy.timeoutMs);
    this.#parts.tracing.aside(() => {
      const flight = new Flight(this.#parts, this.#request, budget, this.#lease);
      flight.#start(() => flight.#loadAndFill(versions));
    });
  };

  /** @returns the versions captured with the lease, or what somebody else has loaded meanwhile */
  async #acquire(
    judged: string,
    mode: 'load' | 'refresh',
  ): Promise<{ readonly versions: Versions } | { readonly found: Loaded | undefined }> {
    // For a load that takes as long as it may, and one that follows it.
    const giveUpAt = performance.now() + 2 * this.#lease.lastsMs;
    const { peers, policy } = this.#request;
    const vigil = new Vigil(policy.timeoutMs);
    for (;;) {
      const claim = this.#lease.claim(judged, vigil.orphan, this.#budget, this.#storeLate);
      const claimed = await this.#progress.ask(peers?.deciding(claim) ?? claim);
      if (claimed.state === 'acquired') return claimed;
      if (claimed.state === 'held') {
        vigil.sees(claimed.lease);
        if (vigil.orphan !== undefined) continue;
      }
      if (mode === 'refresh') {
        this.#progress.wait();
        await sleep(LONGEST_PAUSE_MS); // or each stale hit would ask for the lease again
        return { found: undefined };
      }
      if (claimed.state === 'changing') return { found: await this.#loadUncached('miss') };
      const verdict =
        claimed.state === 'held'
          ? await this.#parts.tracing.leaseWait(() => this.#awaitHolder(vigil, giveUpAt))
          : await this.#look();
      const found = foundFor(this.#request, verdict);
      if (found) return { found };
      if (isChanging(verdict)) return { found: await this.#loadUncached('miss') };
      if (performance.now() > giveUpAt) {
        this.#isAlone = true;
        return { found: await this.#loadUncached('bypass') };
      }
      judged = judgedBy(verdict);
    }
  }

  /** Until there is a usable entry, or nobody holds the lease any more who can be alive. */
  async #awaitHolder(vigil: Vigil, giveUpAt: number): Promise<Verdict> {
    const { reader, announcer } = this.#parts;
    const { keys, dependencies, policy, peers } = this.#request;
    const startedAt = performance.now();
    let pauseMs = FIRST_PAUSE_MS;
    for (;;) {
      this.#progress.wait();
      await (peers?.pause(pauseMs) ?? sleep(plusJitter(pauseMs)));
      pauseMs = Math.min(pauseMs * 1.5, LONGEST_PAUSE_MS);
      this.#abort.signal.throwIfAborted();
      const look = reader.look(keys, dependencies, new Budget(policy.timeoutMs));
      const held = this.#calls.attempt('read', [keys.lease], (store) => store.lease(keys));
      const both = Promise.all([this.#calls.announced('read', look), held]);
      const [verdict, lease] = await this.#progress.ask(both);
      vigil.sees(lease);
      const isFound = foundFor(this.#request, verdict) !== undefined;
      const now = this.#parts.store.clock.now();
      const isVain = isChanging(verdict) || isBeingChanged(lease, now);
      const isHeld = lease !== null && vigil.orphan === undefined;
      if (!isFound && !isVain && isHeld && performance.now() <= giveUpAt) continue;
      const durationMs = performance.now() - startedAt;
      announcer.announce('cache.lease-wait', { key: keys.entry, durationMs });
      return verdict;
    }
  }

  #look(): Promise<Verdict> {
    const { keys, dependencies } = this.#request;
    const look = this.#parts.reader.look(keys, dependencies, this.#budget);
    return this.#progress.ask(this.#calls.announced('read', look));
  }

  async #loadAndFill(versions: Versions): Promise<Loaded> {
    this.#captured = new Map(versions);
    this.#progress.load();
    try {
      const loaded = await this.#parts.tracing.load(async () => {
        const value = await this.#load(this.#captured);
        const outcome = await this.#lease.fill(value, this.#captured, this.#budget);
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

  /** What may be served although the loader failed; read again, because it may be invalid by now. */
  async #lastKnown(): Promise<Loaded | undefined> {
    const { policy } = this.#request;
    if (policy.failSafeMs === 0) return undefined;
    const verdict = await this.#look().catch(() => undefined);
    const good = verdict && foundFor(this.#request, verdict);
    if (good) return good; // somebody has set it meanwhile
    if (verdict?.state !== 'valid') return undefined;
    if (verdict.expiredForMs > policy.staleForMs + policy.failSafeMs) return undefined;
    const lastKnown = entryFound(verdict.entry, 'stale', this.#request);
    return lastKnown && isReadable(lastKnown, this.#request) ? lastKnown : undefined;
  }

  /**
   * Without a lease: there is no Redis that could give one, or what is loaded is being changed, so that
   * it must not be stored.
   */
  #loadUncached(status: 'miss' | 'bypass'): Promise<Loaded> {
    const { tracing } = this.#parts;
    const { keys } = this.#request;
    this.#progress.wait();
    return this.#turn.run(async () => {
      this.#progress.loadAlone();
      const value = await tracing.load(async () => {
        return { value: await this.#load(new Map()), outcome: 'skipped' };
      });
      const { durationMs } = value;
      const key = keys.entry;
      this.#parts.announcer.announce('cache.load', { key, durationMs, outcome: 'skipped' });
      return this.#loaded(value, status);
    });
  }

  #loaded({ kind, body, isComplete }: LoadedValue, status: 'miss' | 'bypass'): Loaded {
    return { kind, body, status, loadedAt: this.#parts.store.clock.now(), isComplete };
  }

  /**
   * Callers with other dependencies, another stale policy or another serializer must not share this
   * load.
   */
  #isFor({ dependencies, policy, serializer }: LoadRequest): boolean {
    const mine = this.#request;
    const isNamed = ({ label }: Dependency) =>
      mine.dependencies.all.some((dependency) => dependency.label === label);
    return (
      policy.staleForMs === mine.policy.staleForMs &&
      policy.failSafeMs === mine.policy.failSafeMs &&
      serializer.name === mine.serializer.name &&
      (dependencies === mine.dependencies || dependencies.all.every(isNamed))
    );
  }

  #load(captured: Map<string, string | null>): Promise<LoadedValue> {
    const lease = this.#progress.phase === 'alone' ? undefined : this.#lease;
    const source = loadSource(this.#request, this.#calls, lease);
    const load = new Load(this.#parts, this.#request, this.#abort);
    return this.running.run(() => load.run(captured, source));
  }
}
