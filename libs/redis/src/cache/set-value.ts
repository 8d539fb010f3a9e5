import type { CacheAnnouncer } from './cache-announcer.js';
import { liveMsOf, makeEntry } from './entry/envelope.js';
import type { LoadRequest } from './load/load-request.js';
import { bodyOf, kindOf } from './load/values.js';
import { RedisAway } from './outage/waiting.js';
import type { CacheStore } from './store/cache-store.js';
import { LeaseToken } from './store/tokens.js';

/**
 * Stores a value that the application provides, in the same steps as a load. Its dependencies are captured
 * first, so that an invalidation in between is noticed. The lease is taken from any holder, so that a
 * deletion in between keeps the value from being stored. Nothing is stored while the dependencies are being
 * changed.
 *
 * @throws RedisException what Redis failed with
 */
export async function setValue(
  store: CacheStore,
  announcer: CacheAnnouncer,
  { keys, dependencies, policy, serializer }: LoadRequest,
  value: unknown,
): Promise<void> {
  const kind = kindOf(value);
  const body = bodyOf(value, keys.entry, serializer);
  const ttlMs = kind === 'v' ? policy.ttlMs : policy.negativeTtlMs;
  const budget = store.budget(policy.timeoutMs);
  const work = async (store: CacheStore) => {
    if (ttlMs === 0) {
      await store.remove(keys);
      return;
    }
    const token = new LeaseToken();
    token.begin();
    try {
      const fillId = token.text;
      const liveMs = liveMsOf(ttlMs, policy);
      const claim = { token: fillId, leaseMs: budget.totalMs };
      const versions = await store.seize(keys, claim, dependencies.all, liveMs);
      if (!versions) {
        await store.remove(keys);
        return;
      }
      if (budget.isSpent) return; // the caller was told that it failed, and it may be outdated by now
      const now = store.clock.now();
      const made = { kind, body, serializer: serializer.name, fillId };
      const entry = makeEntry({ ...made, ttlMs, policy, versions, now });
      const isStored = await store.replace(keys, fillId, entry.bytes, entry.liveMs);
      if (!isStored) await store.remove(keys); // what was there before is not what it was set to
    } finally {
      token.end();
    }
  };
  try {
    await store.insist({ key: keys.entry, operation: 'set', budget }, work);
  } catch (error) {
    if (!(error instanceof RedisAway)) throw error;
    announcer.failure(keys.entry, 'set', error);
    throw error.error;
  }
}
