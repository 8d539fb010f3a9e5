import { withDeadline } from '../../time/deadline.js';
import type { CacheAnnouncer } from '../cache-announcer.js';
import { hasContents, type Dependencies, type Dependency } from '../entry/dependencies.js';
import { liveMsOf, makeEntry, type Versions } from '../entry/envelope.js';
import { hasGaps } from '../entry/writers.js';
import { Budget } from '../outage/budget.js';
import type { Outbox } from '../outage/outbox.js';
import { isFailureOfRedis, RedisAway } from '../outage/waiting.js';
import type { CacheStore } from '../store/cache-store.js';
import type { Captured } from '../store/claims.js';
import { LeaseToken } from '../store/tokens.js';
import type { LoaderResult, LoadRequest } from './load-request.js';
import type { FillOutcome } from './load-tracing.js';
import { PendingClaim, type Claimant, type Claimed } from './pending-claim.js';
import { PendingFill, type Filler } from './pending-fill.js';
import { Heartbeat } from './signs-of-life.js';

/**
 * The right of one flight to fill an entry, from the claim to the fill, and what its loader asks Redis
 * for in between.
 *
 * @internal
 */
export class Lease implements Claimant, Filler {
  readonly #request: LoadRequest;
  readonly #store: CacheStore;
  readonly #dependencies: Dependencies;
  readonly #outbox: Outbox;
  readonly #announcer: CacheAnnouncer;
  readonly #token = new LeaseToken();
  readonly #heartbeat: Heartbeat;
  /** How long the loader took whose value is being stored. */
  #durationMs = 0;

  constructor(
    request: LoadRequest,
    store: CacheStore,
    dependencies: Dependencies,
    outbox: Outbox,
    announcer: CacheAnnouncer,
  ) {
    this.#request = request;
    this.#store = store;
    this.#dependencies = dependencies;
    this.#outbox = outbox;
    this.#announcer = announcer;
    this.#heartbeat = new Heartbeat((n) => store.beat(request.keys, this.#token.text, n));
  }

  /** How long it lasts: as long as a load may take. */
  get lastsMs(): number {
    const { loadTimeoutMs, timeoutMs } = this.#request.policy;
    return loadTimeoutMs + timeoutMs;
  }

  /**
   * Asks for it, and for the versions of what the load will depend on.
   *
   * Signs of life begin with the claim, not with its reply: the reply may take longer than others are
   * patient.
   *
   * @param judged the load whose entry is not good enough, '' for none
   * @param orphan the lease of a holder that is gone
   * @param onLate called with the versions if the lease came in time for Redis and too late for the caller
   * @throws RedisAway
   */
  claim(
    judged: string,
    orphan: string | undefined,
    budget: Budget,
    onLate: (versions: Captured) => void,
  ): Promise<Claimed> {
    const { keys, dependencies, policy } = this.#request;
    const { lastsMs: leaseMs } = this;
    const liveMs = liveMsOf(policy.ttlMs, policy) + leaseMs;
    const token = this.#token.text;
    const asked = { keys, token, leaseMs, judged, orphan: orphan ?? '', dependencies, liveMs };
    const claim = new PendingClaim(asked, this, budget, onLate);
    this.#token.begin();
    this.#heartbeat.start();
    this.#store.claim(claim);
    return claim.promise;
  }

  onForeign(): void {
    this.#announcer.announce('cache.corrupt', { key: this.#request.keys.entry });
  }

  /** The lease as it is stored now, under any holder; `null` for none. @throws RedisAway */
  stored(): Promise<string | null> {
    const { keys } = this.#request;
    return this.#attempt('read', [keys.lease], (store) => store.lease(keys));
  }

  /** Whether it is still held, and everything as it was captured. @throws RedisAway */
  async isUnchanged(captured: Versions, budget: Budget): Promise<boolean> {
    if (hasGaps(captured)) return false;
    const { keys } = this.#request;
    const dependencies = this.#dependenciesOf(captured);
    const { deleted } = this.#outbox;
    if (deleted.has(keys.entry) || dependencies.some(({ key }) => deleted.has(key))) return false;
    const asked = [keys.lease, ...dependencies.map(({ key }) => key)];
    const undertaking = { key: keys.entry, operation: 'read', budget, keys: asked };
    const [lease, versions] = await this.#store.attempt(undertaking, (store) =>
      Promise.all([store.lease(keys), store.versions.now(dependencies)]),
    );
    const before = [...captured.values()];
    return this.#token.isIn(lease) && before.every((version, i) => version === versions[i]);
  }

  /**
   * Captures what a loader names while it runs.
   *
   * @returns `undefined` if Redis is away
   */
  async capture(dependencies: readonly Dependency[]): Promise<Versions | undefined> {
    const { policy } = this.#request;
    const liveMs = liveMsOf(policy.ttlMs, policy) + policy.loadTimeoutMs;
    const keys = dependencies.map(({ key }) => key);
    const capture = ({ versions }: CacheStore) => versions.capture(dependencies, liveMs);
    const versions = await this.#attempt('lease', keys, capture).catch(unlessAway);
    // The value will not be stored, so others need not wait for it.
    if (versions && hasGaps(versions)) this.release();
    return versions;
  }

  /**
   * The text at a key, for a loader, and the version that it has as a dependency.
   *
   * @throws RedisException what Redis failed with
   */
  async readContent(key: string): Promise<{ text: string | null; version: string }> {
    try {
      return await this.#attempt('read', [key], ({ versions }) => versions.contentOf(key));
    } catch (error) {
      throw error instanceof RedisAway ? error.error : error; // from here on it is the loader's error
    }
  }

  /** For the loader of a value that will not be stored: nothing is captured for it. */
  get notHeld(): Pick<Lease, 'capture' | 'readContent'> {
    return {
      capture: () => Promise.resolve(undefined),
      readContent: (key) => this.readContent(key),
    };
  }

  /**
   * Stores what was loaded. Callers need not know whether it could be stored, and wait for it no longer
   * than they wait for Redis anyway.
   */
  fill(value: LoaderResult, captured: Versions, budget: Budget): Promise<FillOutcome> {
    const { keys, policy, serializer } = this.#request;
    const { kind, body, ttlMs } = value;
    this.#durationMs = value.durationMs;
    if (ttlMs === undefined) {
      this.release();
      return Promise.resolve(this.#announce('skipped'));
    }
    const now = this.#store.clock.now();
    const token = this.#token.text;
    const made = { kind, body, serializer: serializer.name, fillId: token };
    const { bytes, liveMs } = makeEntry({ ...made, ttlMs, policy, versions: captured, now });
    const patienceMs = Math.max(0, budget.leftMs);
    const send = () => {
      const fill = new PendingFill(
        { keys, token, bytes, liveMs },
        this,
        policy.timeoutMs,
        patienceMs,
      );
      this.#store.fill(fill);
      return fill.promise;
    };
    if (ttlMs <= policy.ttlMs && !hasContents(captured)) return send();
    const filling = this.#isStillRight(captured, ttlMs, liveMs).then(
      (isRight) => (isRight ? send() : this.onFilled(false)),
      () => this.onFilled(false),
    );
    return withDeadline<FillOutcome>(filling, patienceMs, () => undefined);
  }

  onFilled(isStored: boolean): FillOutcome {
    if (isStored) this.end();
    else this.release();
    return this.#announce(isStored ? 'filled' : 'lost');
  }

  onFailure(operation: Operation, error: unknown): void {
    if (isFailureOfRedis(error))
      this.#announcer.announce('cache.failure', {
        key: this.#request.keys.entry,
        operation,
        error,
      });
  }

  #announce(outcome: NonNullable<FillOutcome>): FillOutcome {
    const { entry: key } = this.#request.keys;
    this.#announcer.announce('cache.load', { key, durationMs: this.#durationMs, outcome });
    return outcome;
  }

  /**
   * Gives the lease back without a wait, and past the breaker: if Redis answers again, it does so right
   * after the lease was taken. A lease that cannot be given back is left behind: callers of this process
   * take it over at once, others when it has been silent for too long.
   */
  release(): void {
    this.end();
    this.#store.release(this.#request.keys, this.#token.text);
  }

  /** Ends without the lease, or with what it was for. */
  end(): void {
    this.#heartbeat.stop();
    this.#token.end();
  }

  /** Makes what was captured last as long as the entry, and compares what has no version once more. */
  async #isStillRight(captured: Versions, ttlMs: number, liveMs: number): Promise<boolean> {
    // Versions that end before the entry would make it invalid without a reason.
    if (ttlMs > this.#request.policy.ttlMs) await this.#prolong(captured, liveMs);
    return this.#hasSameContent(captured);
  }

  async #prolong(captured: Versions, liveMs: number): Promise<void> {
    const dependencies = this.#dependenciesOf(captured);
    const keys = dependencies.map(({ key }) => key);
    await this.#attempt('fill', keys, ({ versions }) => versions.capture(dependencies, liveMs));
  }

  /**
   * Compares content once more before the fill. Content, unlike a version, may return to what it was: a
   * change during the load would then go unnoticed.
   */
  async #hasSameContent(captured: Versions): Promise<boolean> {
    const contents = this.#dependenciesOf(captured).filter(({ by }) => by === 'fingerprint');
    if (contents.length === 0) return true;
    const keys = contents.map(({ key }) => key);
    const now = await this.#attempt('fill', keys, ({ versions }) => versions.now(contents));
    return contents.every(({ label }, i) => captured.get(label) === now[i]);
  }

  #dependenciesOf(versions: Versions): Dependency[] {
    return [...versions.keys()].map((label) => this.#dependencies.ofLabel(label));
  }

  /**
   * Does something in Redis, and announces if that fails.
   *
   * @param keys what it asks for
   * @param budget by default one of its own: for what the callers do not wait for
   * @throws RedisAway
   */
  #attempt<T>(
    operation: Operation,
    keys: readonly string[],
    work: (store: CacheStore) => Promise<T>,
    budget = new Budget(this.#request.policy.timeoutMs),
  ): Promise<T> {
    const key = this.#request.keys.entry;
    const answer = this.#store.attempt({ key, operation, budget, keys }, work);
    return this.#announcer.failureOf(answer, key, operation);
  }
}

type Operation = 'lease' | 'read' | 'fill';

/** @throws the error unless Redis is away */
function unlessAway(error: unknown): undefined {
  if (!(error instanceof RedisAway)) throw error;
  return undefined;
}
