import type { ResolvedPolicy } from '../cache-policy.js';
import { encodeEntry, type EntryKind } from './envelope.js';
import { encodeVersions, type Versions } from './versions.js';

interface Ingredients {
  readonly kind: EntryKind;
  readonly body: Buffer;
  /** The name of the one that made the body. */
  readonly serializer: string;
  readonly ttlMs: number;
  readonly policy: ResolvedPolicy;
  readonly fillId: string;
  readonly versions: Versions;
  /** On the server's clock. */
  readonly now: number;
}

/** How long Redis keeps what is fresh for so long. */
export function liveMsOf(ttlMs: number, { staleForMs, failSafeMs }: ResolvedPolicy): number {
  return ttlMs + staleForMs + failSafeMs;
}

/** What to store, and for how long. That there is no value is never served longer than it is fresh. */
export function makeEntry({ kind, body, ttlMs, policy, versions, now, ...made }: Ingredients) {
  const freshMs = ttlMs * (1 - policy.jitter * Math.random());
  const liveMs = kind === 'v' ? liveMsOf(freshMs, policy) : freshMs;
  const freshUntil = liveMs > freshMs ? now + freshMs : 0;
  const facts = { kind, freshUntil, loadedAt: now, ...made };
  const bytes = encodeEntry(facts, encodeVersions(versions), body);
  return { bytes, liveMs: Math.max(1, liveMs) };
}
