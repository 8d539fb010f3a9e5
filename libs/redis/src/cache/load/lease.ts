import { withDeadline } from '../../time/deadline.js';
import type { CacheParts, LoadRequest } from './load-request.js';
import type { Dependency } from '../entry/dependencies.js';
import { liveMsOf, makeEntry, type Versions } from '../entry/envelope.js';
import { hasGaps } from '../entry/writers.js';
import type { Budget } from '../outage/budget.js';
import type { CacheStore, Claimed } from '../store/cache-store.js';
import { LeaseToken } from '../store/lease-token.js';
import { Heartbeat } from './heartbeat.js';
import type { LoadedValue } from './run-loader.js';
import type { FillOutcome } from './load-tracing.js';
import type { RedisCalls } from './redis-calls.js';

/**
 * The right of one flight to fill an entry, from the claim to the fill.
 *
 * @internal
 */
export class Lease {
  readonly #parts: CacheParts;
  readonly #request: LoadRequest;
  readonly #calls: RedisCalls;
  readonly #token = new LeaseToken();
  readonly #heartbeat: Heartbeat;

  constructor(parts: CacheParts, request: LoadRequest, calls: RedisCalls) {
    this.#parts = parts;
    this.#request = request;
    this.#calls = calls;
    this.#heartbeat = new Heartbeat((n) => parts.store.beat(request.keys, this.#token.text, n));
  }

  /** How long it lasts: as long as a load may take. */
  get lastsMs(): number {
    const { loadTimeoutMs, timeoutMs } = this.#request.policy;
    return loadTimeoutMs + timeoutMs;
  }

  /**
   * Asks for it, and for the versions of what the load will depend on.
   *
   * The caller waits for it as long as its budget, the lease itself as long as a `timeout` that is whole.
   * What was asked for in vain may be taken all the same, or still be: by a command that waits in a
   * socket, or was redirected. It is given back right behind that command, and once more when that was
   * answered after all.
   *
   * From then on it shows that it lives, and not only from the reply on: that may take longer than others
   * are patient.
   *
   * @param judged the load whose entry is not good enough, '' for none
   * @param orphan the lease of a holder that is gone
   * @param onLate given the versions when it was got, in time for Redis and too late for the caller
   * @throws RedisAway
   */
  async claim(
    judged: string,
    orphan: string | undefined,
    budget: Budget,
    onLate: (versions: Versions) => void,
  ): Promise<Claimed> {
    const { announcer } = this.#parts;
    const { keys, dependencies, policy } = this.#request;
    const facts = { token: this.#token.text, leaseMs: this.lastsMs, judged, orphan };
    const liveMs = liveMsOf(policy.ttlMs, policy) + this.lastsMs;
    const askedAt = performance.now();
    const leftMs = () => policy.timeoutMs - (performance.now() - askedAt);
    let isInVain = false;
    let isAnswered = false;
    let isGivenUp = false;
    const claim = async (store: CacheStore) => {
      const claimed = await store.acquire(keys, facts, dependencies.all, liveMs);
      isAnswered = true;
      if (!isInVain) return claimed;
      if (claimed.state !== 'acquired') this.#end();
      else if (isGivenUp) this.release();
      else onLate(claimed.versions);
      return claimed;
    };
    this.#token.begin();
    this.#heartbeat.start();
    try {
      const asked = [keys.entry, ...dependencies.all.map(({ key }) => key)];
      const claimed = await this.#calls.attempt('lease', asked, claim, budget);
      if (claimed.state !== 'acquired') this.#end();
      else if (claimed.isForeign) announcer.announce('cache.corrupt', { key: keys.entry });
      return claimed;
    } catch (error) {
      isInVain = true;
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

  /** Whether it is still held, and everything as it was captured. */
  async isUnchanged(captured: Versions, budget: Budget): Promise<boolean> {
    if (hasGaps(captured)) return false;
    const { guard, outbox, store } = this.#parts;
    const { keys } = this.#request;
    const dependencies = this.#dependenciesOf(captured);
    const { deleted } = outbox;
    if (deleted.has(keys.entry) || dependencies.some(({ key }) => deleted.has(key))) return false;
    const asked = [keys.lease, ...dependencies.map(({ key }) => key)];
    const undertaking = { key: keys.entry, operation: 'read', budget, keys: asked };
    const [lease, versions] = await guard.attempt(undertaking, (ask) => {
      const noting = store.noting(ask);
      return Promise.all([noting.lease(keys), noting.versions(dependencies)]);
    });
    const before = [...captured.values()];
    return this.#token.isIn(lease) && before.every((version, i) => version === versions[i]);
  }

  /**
   * Stores what was loaded. Whether it could be stored is nothing that the callers need to know, nor wait
   * for longer than they wait for Redis anyway.
   */
  async fill(value: LoadedValue, captured: Versions, budget: Budget): Promise<FillOutcome> {
    const { store, announcer } = this.#parts;
    const { keys, policy, serializer } = this.#request;
    const { kind, body, ttlMs, durationMs } = value;
    const announce = (outcome: NonNullable<FillOutcome>) => {
      announcer.announce('cache.load', { key: keys.entry, durationMs, outcome });
      return outcome;
    };
    if (ttlMs === undefined) {
      this.release();
      return announce('skipped');
    }
    const now = store.clock.now();
    const fillId = this.#token.text;
    const made = { kind, body, serializer: serializer.name, fillId };
    const entry = makeEntry({ ...made, ttlMs, policy, versions: captured, now });
    const fill = async () => {
      // Versions that end before the entry would make it invalid without a reason.
      if (ttlMs > policy.ttlMs) await this.#prolong(captured, entry.liveMs);
      if (!(await this.#hasSameContent(captured))) return false;
      return this.#calls.attempt('fill', [keys.entry], (store) =>
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
   * Nobody waits for it, and no breaker keeps it from being sent: once Redis answers again it does so
   * right after the lease was taken. A lease that cannot be given back is left behind: callers of this
   * process take it over at once, others when it has been silent for too long.
   */
  release(): void {
    this.#end();
    this.#parts.store.release(this.#request.keys, this.#token.text);
  }

  #end(): void {
    this.#heartbeat.stop();
    this.#token.end();
  }

  async #prolong(captured: Versions, liveMs: number): Promise<void> {
    const dependencies = this.#dependenciesOf(captured);
    const keys = dependencies.map(({ key }) => key);
    await this.#calls.attempt('fill', keys, (store) => store.capture(dependencies, liveMs));
  }

  /**
   * Content, unlike a version, may be again what it was: what changed while it was loaded would be found
   * unchanged then.
   */
  async #hasSameContent(captured: Versions): Promise<boolean> {
    const contents = this.#dependenciesOf(captured).filter(({ by }) => by === 'fingerprint');
    if (contents.length === 0) return true;
    const keys = contents.map(({ key }) => key);
    const now = await this.#calls.attempt('fill', keys, (store) => store.versions(contents));
    return contents.every(({ label }, i) => captured.get(label) === now[i]);
  }

  #dependenciesOf(versions: Versions): Dependency[] {
    return [...versions.keys()].map((label) => this.#parts.dependencies.ofLabel(label));
  }
}
