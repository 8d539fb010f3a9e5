import { setTimeout as sleep } from 'node:timers/promises';
import { withDeadline } from '../../time/deadline.js';
import { plusJitter } from '../../time/jitter.js';
import type { CacheParts, Loaded, LoadRequest } from '../cache-parts.js';
import type { Dependency } from '../entry/dependency.js';
import { liveMsOf, makeEntry } from '../entry/make-entry.js';
import type { Lease } from '../store/cache-store.js';
import type { Verdict } from '../store/entry-reader.js';
import type { Versions } from '../entry/versions.js';
import { Budget } from '../outage/outage-guard.js';
import { RedisAway } from '../outage/redis-away.js';
import { uniqueId } from '../store/unique-id.js';
import { isReadable } from '../values.js';
import { entryFound, foundFor, judgedBy } from './found.js';
import { Load, type LoadedValue } from './load.js';
import type { LoadSource } from './load-run.js';
import { nextMoment } from './moments.js';

/** The time from one look at another process's lease to the next. */
const FIRST_PAUSE_MS = 2;
const LONGEST_PAUSE_MS = 50;

/**
 * - `asking`: it has asked Redis for something and not been answered.
 * - `waiting`: for another process, or its turn. Whatever it does next begins later.
 * - `loading`: under the lease, or `alone` where there is no Redis to give one.
 * - `ended`: there is an outcome.
 */
type Phase = 'asking' | 'waiting' | 'loading' | 'alone' | 'ended';

/**
 * One attempt of this process to get the value of one entry, which several callers may share: it takes
 * the lease, loads and fills, or waits for whoever holds the lease.
 *
 * @internal
 */
export class Flight {
  readonly #parts: CacheParts;
  readonly #request: LoadRequest;
  readonly #token = uniqueId();
  readonly #budget: Budget;
  readonly #abort = new AbortController();
  #phase: Phase = 'waiting';
  /** When the step that is under way began. */
  #since = nextMoment();
  /** Settles when Redis has answered what was asked last. */
  #step: Promise<unknown> = Promise.resolve();
  #captured = new Map<string, string | null>();
  #isAlone = false;
  #callers = 0;
  #outcome: Promise<Loaded | undefined> | undefined;

  /** @param budget what is left of that of the caller who waits for it first */
  constructor(parts: CacheParts, request: LoadRequest, budget: Budget) {
    this.#parts = parts;
    this.#request = request;
    this.#budget = budget;
  }

  /** @param judged the load whose entry is not good enough, '' for none */
  load(judged: string): this {
    return this.#start(() => this.#acquireAndLoad(judged, 'load'));
  }

  /** The same for nobody who waits: ends without a value if another process does it already. */
  refresh(judged: string): this {
    this.#callers++;
    return this.#start(() => this.#acquireAndLoad(judged, 'refresh'));
  }

  /** Loads without Redis. */
  loadAlone(): this {
    return this.#start(() => this.#loadAlone());
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
  async settled(): Promise<void> {
    while (this.#phase === 'asking') await this.#step;
  }

  /**
   * Whether what it gives was read or loaded after a caller's own read began: then it reflects
   * everything that the caller may expect.
   */
  follows(moment: number, request: LoadRequest): boolean {
    const isLater = this.#since > moment || this.#phase === 'waiting';
    return isLater && this.#phase !== 'ended' && !this.isAborted && this.#isFor(request);
  }

  /**
   * Whether nothing has been invalidated since it captured its versions, so that a caller who came
   * later may be given what it loads all the same.
   *
   * @throws RedisAway
   */
  async isUnchanged({ dependencies }: LoadRequest, budget: Budget): Promise<boolean> {
    if (this.#phase !== 'loading' || this.isAborted) return false;
    if (!dependencies.every(({ label }) => this.#captured.has(label))) return false;
    const { keys } = this.#request;
    return this.#parts.guard.attempt(keys.entry, 'read', budget, () => this.#compare());
  }

  /**
   * @param signal ends the wait of this caller; when the last one leaves, the load is aborted
   * @returns `undefined` if there is no value, and the caller has to start over
   */
  join(signal: AbortSignal | undefined): Promise<Loaded | undefined> {
    // Who comes after it was aborted is not to be given the reason of somebody else.
    if (this.#abort.signal.aborted) return this.ended.then(() => undefined);
    this.#callers++;
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
      signal.addEventListener('abort', leave, { once: true });
      outcome
        .finally(() => {
          signal.removeEventListener('abort', leave);
        })
        .then(resolve, reject);
    });
  }

  #start(run: () => Promise<Loaded | undefined>): this {
    this.#outcome = run().finally(() => {
      this.#phase = 'ended';
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
      return this.#loadAlone();
    }
  }

  /** @returns the versions captured with the lease, or what somebody else has loaded meanwhile */
  async #acquire(
    judged: string,
    mode: 'load' | 'refresh',
  ): Promise<{ readonly versions: Versions } | { readonly found: Loaded | undefined }> {
    const { store } = this.#parts;
    const { keys, dependencies, policy } = this.#request;
    const leaseMs = policy.loadTimeoutMs + policy.timeoutMs;
    const giveUpAt = performance.now() + 2 * leaseMs; // for one that dies, and one that takes over
    const liveMs = liveMsOf(policy.ttlMs, policy) + leaseMs;
    for (;;) {
      const claim = { token: this.#token, leaseMs, judged };
      const lease = await this.#claim(() => store.acquire(keys, claim, dependencies, liveMs));
      if (lease.state === 'acquired') {
        if (lease.isForeign) this.#parts.announcer.announce('cache.corrupt', { key: keys.entry });
        return lease;
      }
      if (mode === 'refresh') {
        this.#phase = 'waiting';
        await sleep(LONGEST_PAUSE_MS); // or each stale hit would ask for the lease again
        return { found: undefined };
      }
      const verdict =
        lease.state === 'held' ? await this.#awaitHolder(giveUpAt) : await this.#look();
      const found = foundFor(this.#request, verdict);
      if (found) return { found };
      if (performance.now() > giveUpAt) return { found: await this.#loadAlone() };
      judged = judgedBy(verdict);
    }
  }

  /**
   * A lease that was asked for in vain may be taken all the same, or still be: by a command that waits
   * in a socket, or was redirected. It is given back right behind that command, and once more when that
   * was answered after all.
   */
  async #claim(acquire: () => Promise<Lease>): Promise<Lease> {
    let isInVain = false;
    const claim = async () => {
      const lease = await acquire();
      if (isInVain && lease.state === 'acquired') this.#release();
      return lease;
    };
    const { entry } = this.#request.keys;
    try {
      return await this.#ask(
        'lease',
        this.#parts.guard.attempt(entry, 'lease', this.#budget, claim),
      );
    } catch (error) {
      isInVain = true;
      this.#release();
      throw error;
    }
  }

  /** Until there is a usable entry, or nobody holds the lease any more. */
  async #awaitHolder(giveUpAt: number): Promise<Verdict> {
    const { store, reader, guard, announcer } = this.#parts;
    const { keys, dependencies, policy } = this.#request;
    const startedAt = performance.now();
    let pauseMs = FIRST_PAUSE_MS;
    for (;;) {
      this.#phase = 'waiting';
      await sleep(plusJitter(pauseMs));
      pauseMs = Math.min(pauseMs * 1.5, LONGEST_PAUSE_MS);
      this.#abort.signal.throwIfAborted();
      const budget = new Budget(policy.timeoutMs);
      const holder = () => store.holder(keys);
      const [verdict, token] = await this.#ask(
        'read',
        Promise.all([
          reader.look(keys, dependencies, budget),
          guard.attempt(keys.entry, 'read', new Budget(policy.timeoutMs), holder),
        ]),
      );
      const isFound = foundFor(this.#request, verdict) !== undefined;
      if (!isFound && token !== null && performance.now() <= giveUpAt) continue;
      const durationMs = performance.now() - startedAt;
      announcer.announce('cache.lease-wait', { key: keys.entry, durationMs });
      return verdict;
    }
  }

  #look(): Promise<Verdict> {
    const { keys, dependencies } = this.#request;
    return this.#ask('read', this.#parts.reader.look(keys, dependencies, this.#budget));
  }

  async #loadAndFill(versions: Versions): Promise<Loaded> {
    const captured = new Map(versions);
    this.#captured = captured;
    this.#phase = 'loading';
    try {
      const value = await new Load(this.#parts, this.#request, this.#abort).run(
        captured,
        this.#source(),
      );
      await this.#fill(value, captured);
      return this.#loaded(value, 'miss');
    } catch (error) {
      this.#release();
      const lastKnown = await this.#lastKnown();
      if (lastKnown) return lastKnown;
      throw error;
    }
  }

  /**
   * Whether it could be filled is nothing that the callers need to know, nor wait for longer than they
   * wait for Redis anyway.
   */
  async #fill(value: LoadedValue, captured: Versions): Promise<void> {
    const { store, announcer } = this.#parts;
    const { keys, policy } = this.#request;
    const { kind, body, ttlMs, durationMs } = value;
    const key = keys.entry;
    if (ttlMs === undefined) {
      this.#release();
      announcer.announce('cache.load', { key, durationMs, outcome: 'skipped' });
      return;
    }
    const { text, liveMs } = makeEntry({
      kind,
      body,
      ttlMs,
      policy,
      fillId: this.#token,
      versions: captured,
      now: store.clock.now(),
    });
    const fill = async () => {
      if (ttlMs > policy.ttlMs) await this.#prolong(captured, liveMs);
      return store.fill(keys, this.#token, text, liveMs);
    };
    const filling = this.#attempt('fill', fill).then(
      (isFilled) => {
        const outcome = isFilled ? 'filled' : 'lost';
        announcer.announce('cache.load', { key, durationMs, outcome });
      },
      () => {
        this.#release();
        announcer.announce('cache.load', { key, durationMs, outcome: 'lost' });
      },
    );
    await withDeadline(filling, Math.max(0, this.#budget.leftMs), () => undefined);
  }

  /** Versions that end before the entry would make it invalid without a reason. */
  #prolong(captured: Versions, liveMs: number): Promise<unknown> {
    return this.#parts.store.capture(this.#dependenciesOf(captured), liveMs);
  }

  /** What may be served although the loader failed; read again, because it may be invalid by now. */
  async #lastKnown(): Promise<Loaded | undefined> {
    const { policy } = this.#request;
    if (policy.failSafeMs === 0) return undefined;
    const verdict = await this.#look().catch(() => undefined);
    if (verdict?.state !== 'valid') return undefined;
    const lastKnown = entryFound(verdict.entry, 'stale');
    return isReadable(lastKnown, this.#request) ? lastKnown : undefined;
  }

  #loadAlone(): Promise<Loaded> {
    const { gate } = this.#parts;
    const { keys, policy } = this.#request;
    this.#isAlone = true;
    this.#phase = 'waiting';
    return gate.run(keys.entry, policy.loadTimeoutMs, async () => {
      this.#phase = 'alone';
      this.#since = nextMoment();
      const value = await new Load(this.#parts, this.#request, this.#abort).run(
        new Map(),
        this.#source(),
      );
      const { durationMs } = value;
      const key = keys.entry;
      this.#parts.announcer.announce('cache.load', { key, durationMs, outcome: 'skipped' });
      return this.#loaded(value, 'bypass');
    });
  }

  #loaded({ kind, body, isComplete }: LoadedValue, status: 'miss' | 'bypass'): Loaded {
    return { kind, body, status, loadedAt: this.#parts.store.clock.now(), isComplete };
  }

  /** Whoever names something else, or accepts something else, may have to be given something else. */
  #isFor({ dependencies, policy }: LoadRequest): boolean {
    const mine = this.#request;
    const isNamed = ({ label }: Dependency) =>
      mine.dependencies.some((dependency) => dependency.label === label);
    return (
      policy.staleForMs === mine.policy.staleForMs &&
      policy.failSafeMs === mine.policy.failSafeMs &&
      (dependencies === mine.dependencies || dependencies.every(isNamed))
    );
  }

  /** Whether the lease is still ours, and everything as it was captured. */
  async #compare(): Promise<boolean> {
    const { store, outbox } = this.#parts;
    const { keys } = this.#request;
    const captured = [...this.#captured.values()];
    const dependencies = this.#dependenciesOf(this.#captured);
    const { deleted } = outbox;
    if (deleted.has(keys.entry) || dependencies.some(({ key }) => deleted.has(key))) return false;
    const [holder, versions] = await Promise.all([
      store.holder(keys),
      store.versions(dependencies),
    ]);
    return holder === this.#token && captured.every((version, i) => version === versions[i]);
  }

  #dependenciesOf(versions: Versions): Dependency[] {
    return [...versions.keys()].map((label) => this.#parts.dependencies.ofLabel(label));
  }

  #source(): LoadSource {
    const { store } = this.#parts;
    const { policy } = this.#request;
    const isAlone = this.#phase === 'alone';
    const liveMs = liveMsOf(policy.ttlMs, policy) + policy.loadTimeoutMs;
    return {
      capture: (dependencies) => {
        if (isAlone) return Promise.resolve(undefined);
        const capture = () => store.capture(dependencies, liveMs);
        return this.#attempt('lease', capture).catch(unlessAway);
      },
      readContent: async (key) => {
        try {
          return await this.#attempt('read', () => store.readContent(key));
        } catch (error) {
          throw error instanceof RedisAway ? error.error : error; // it is the loader's now
        }
      },
    };
  }

  /** Waits for an answer that decides how to go on. What is asked has to be asked in the same turn. */
  #ask<T>(operation: 'lease' | 'read', answer: Promise<T>): Promise<T> {
    this.#phase = 'asking';
    this.#since = nextMoment();
    const heard = this.#heard(operation, answer);
    this.#step = heard.catch(() => undefined);
    return heard;
  }

  /** Does something that the callers do not wait for: with a budget of its own. */
  #attempt<T>(operation: 'lease' | 'read' | 'fill', work: () => Promise<T>): Promise<T> {
    const { keys, policy } = this.#request;
    const budget = new Budget(policy.timeoutMs);
    return this.#heard(operation, this.#parts.guard.attempt(keys.entry, operation, budget, work));
  }

  /** Announces what Redis failed with. */
  async #heard<T>(operation: 'lease' | 'read' | 'fill', answer: Promise<T>): Promise<T> {
    try {
      return await answer;
    } catch (error) {
      if (error instanceof RedisAway) {
        const key = this.#request.keys.entry;
        this.#parts.announcer.announce('cache.failure', { key, operation, error: error.error });
      }
      throw error;
    }
  }

  /**
   * Nobody waits for it, and no breaker keeps it from being sent: once Redis answers again it does so
   * right after the lease was taken. A lease that is not given back ends by itself.
   */
  #release(): void {
    this.#parts.store.release(this.#request.keys, this.#token).catch(() => undefined);
  }
}

/** @throws the error if it is not that Redis is away */
function unlessAway(error: unknown): undefined {
  if (!(error instanceof RedisAway)) throw error;
  return undefined;
}
