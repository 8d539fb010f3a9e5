import { withDeadline } from '../../time/deadline.js';
import type { CacheAnnouncer } from '../cache-announcer.js';
import type { Dependencies, Dependency } from '../entry/dependencies.js';
import { liveMsOf, makeEntry, type Versions } from '../entry/envelope.js';
import { hasGaps } from '../entry/writers.js';
import { Budget } from '../outage/budget.js';
import type { Outbox } from '../outage/outbox.js';
import { RedisAway } from '../outage/waiting.js';
import type { CacheStore, Claimed } from '../store/cache-store.js';
import { LeaseToken } from '../store/tokens.js';
import type { LoaderResult, LoadRequest } from './load-request.js';
import type { FillOutcome } from './load-tracing.js';
import { Heartbeat } from './signs-of-life.js';

/**
 * The right of one flight to fill an entry, from the claim to the fill, and what its loader asks Redis
 * for in between.
 *
 * @internal
 */
export class Lease {
  readonly #request: LoadRequest;
  readonly #store: CacheStore;
  readonly #dependencies: Dependencies;
  readonly #outbox: Outbox;
  readonly #announcer: CacheAnnouncer;
  readonly #token = new LeaseToken();
  readonly #heartbeat: Heartbeat;

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
   * The caller waits as long as its budget, the lease itself for a whole `timeout`. A claim that timed out
   * may still be executed later: its command may wait in a socket, or have been redirected. The lease is
   * therefore given back right behind that command, and once more if the claim succeeds late.
   *
   * Signs of life begin with the claim, not with its reply: the reply may take longer than others are
   * patient.
   *
   * @param judged the load whose entry is not good enough, '' for none
   * @param orphan the lease of a holder that is gone
   * @param onLate called with the versions if the lease came in time for Redis and too late for the caller
   * @throws RedisAway
   */
  async claim(
    judged: string,
    orphan: string | undefined,
    budget: Budget,
    onLate: (versions: Versions) => void,
  ): Promise<Claimed> {
    const { keys, dependencies, policy } = this.#request;
    const facts = { token: this.#token.text, leaseMs: this.lastsMs, judged, orphan };
    const liveMs = liveMsOf(policy.ttlMs, policy) + this.lastsMs;
    const askedAt = performance.now();
    const leftMs = () => policy.timeoutMs - (performance.now() - askedAt);
    let isTooLate = false;
    let isAnswered = false;
    let isGivenUp = false;
    const claim = async (store: CacheStore) => {
      const claimed = await store.acquire(keys, facts, dependencies.all, liveMs);
      isAnswered = true;
      if (!isTooLate) return claimed;
      if (claimed.state !== 'acquired') this.#end();
      else if (isGivenUp) this.release();
      else onLate(claimed.versions);
      return claimed;
    };
    this.#token.begin();
    this.#heartbeat.start();
    try {
      const asked = [keys.entry, ...dependencies.all.map(({ key }) => key)];
      const claimed = await this.#attempt('lease', asked, claim, budget);
      if (claimed.state !== 'acquired') this.#end();
      else if (claimed.isForeign) this.#announcer.announce('cache.corrupt', { key: keys.entry });
      return claimed;
    } catch (error) {
      isTooLate = true;
      const giveUp = () => {
        if (isAnswered) return;
        isGivenUp = true;
        this.release();
      };
      if (budget.isSpent && leftMs() > 0) setTimeout(giveUp, leftMs()).unref();
      else giveUp();
      throw error;
    }
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
  async fill(value: LoaderResult, captured: Versions, budget: Budget): Promise<FillOutcome> {
    const { keys, policy, serializer } = this.#request;
    const { kind, body, ttlMs, durationMs } = value;
    const announce = (outcome: NonNullable<FillOutcome>) => {
      this.#announcer.announce('cache.load', { key: keys.entry, durationMs, outcome });
      return outcome;
    };
    if (ttlMs === undefined) {
      this.release();
      return announce('skipped');
    }
    const now = this.#store.clock.now();
    const fillId = this.#token.text;
    const made = { kind, body, serializer: serializer.name, fillId };
    const entry = makeEntry({ ...made, ttlMs, policy, versions: captured, now });
    const fill = async () => {
      // Versions that end before the entry would make it invalid without a reason.
      if (ttlMs > policy.ttlMs) await this.#prolong(captured, entry.liveMs);
      if (!(await this.#hasSameContent(captured))) return false;
      return this.#attempt('fill', [keys.entry], (store) =>
        store.fill(keys, fillId, entry.bytes, entry.liveMs),
      );
    };
    const filling = fill().then(
      (isFilled) => {
        if (isFilled) this.#end();
        else this.release();
        return announce(isFilled ? 'filled' : 'lost');
      },
      () => {
        this.release();
        return announce('lost');
      },
    );
    return withDeadline<FillOutcome>(filling, Math.max(0, budget.leftMs), () => undefined);
  }

  /**
   * Gives the lease back without a wait, and past the breaker: if Redis answers again, it does so right
   * after the lease was taken. A lease that cannot be given back is left behind: callers of this process
   * take it over at once, others when it has been silent for too long.
   */
  release(): void {
    this.#end();
    this.#store.release(this.#request.keys, this.#token.text);
  }

  #end(): void {
    this.#heartbeat.stop();
    this.#token.end();
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
    operation: 'lease' | 'read' | 'fill',
    keys: readonly string[],
    work: (store: CacheStore) => Promise<T>,
    budget = new Budget(this.#request.policy.timeoutMs),
  ): Promise<T> {
    const key = this.#request.keys.entry;
    const answer = this.#store.attempt({ key, operation, budget, keys }, work);
    return this.#announcer.failureOf(answer, key, operation);
  }
}

/** @throws the error unless Redis is away */
function unlessAway(error: unknown): undefined {
  if (!(error instanceof RedisAway)) throw error;
  return undefined;
}
