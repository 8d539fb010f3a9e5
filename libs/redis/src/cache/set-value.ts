import type { CacheParts, LoadRequest } from './load/load-request.js';
import { liveMsOf, makeEntry } from './entry/envelope.js';
import { Budget } from './outage/budget.js';
import type { Ask } from './outage/attempt.js';
import { RedisAway } from './outage/waiting.js';
import { LeaseToken } from './store/lease-token.js';
import { bodyOf, kindOf } from './load/values.js';

/**
 * Stores what the application says a value is, in the way of a load: its dependencies are captured first,
 * so that what is invalidated meanwhile is noticed, and so is a lease that was not asked for, so that the
 * value does not come back when it is stored only after it has been deleted. Nothing is stored while
 * what it depends on is being changed.
 *
 * @throws RedisException what Redis failed with
 */
export async function setValue(
  parts: CacheParts,
  { keys, dependencies, policy, serializer }: LoadRequest,
  value: unknown,
): Promise<void> {
  const { guard, announcer } = parts;
  const kind = kindOf(value);
  const body = bodyOf(value, keys.entry, serializer);
  const ttlMs = kind === 'v' ? policy.ttlMs : policy.negativeTtlMs;
  const budget = new Budget(policy.timeoutMs);
  const work = async (ask: Ask) => {
    const store = parts.store.noting(ask);
    if (ttlMs === 0) {
      await store.remove(keys);
      return;
    }
    const token = new LeaseToken();
    token.begin();
    try {
      const fillId = token.text;
      const liveMs = liveMsOf(ttlMs, policy);
      const claim = { token: fillId, leaseMs: policy.timeoutMs };
      const versions = await store.seize(keys, claim, dependencies.all, liveMs);
      if (!versions) {
        await store.remove(keys);
        return;
      }
      if (budget.isSpent) return; // the caller was told that it failed, and it may be outdated by now
      const now = store.clock.now();
      const made = {
        kind,
        body,
        serializer: serializer.name,
        ttlMs,
        policy,
        fillId,
        versions,
        now,
      };
      const entry = makeEntry(made);
      const isStored = await store.fill(keys, fillId, entry.bytes, entry.liveMs);
      if (!isStored) await store.remove(keys); // what was there before is not what it was set to
    } finally {
      token.end();
    }
  };
  try {
    await guard.insist({ key: keys.entry, operation: 'set', budget }, work);
  } catch (error) {
    if (!(error instanceof RedisAway)) throw error;
    announcer.announce('cache.failure', { key: keys.entry, operation: 'set', error: error.error });
    throw error.error;
  }
}
