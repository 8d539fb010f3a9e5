import type { CacheStatus } from '../cache-options.js';
import type { Loaded } from '../cache-parts.js';
import type { ResolvedPolicy } from '../cache-policy.js';
import type { Entry } from '../entry/envelope.js';
import type { Verdict } from '../store/entry-reader.js';

/** As what a caller may be given what was found; `undefined` if it may not. */
export function usableAs(
  verdict: Verdict,
  { staleForMs }: ResolvedPolicy,
): 'hit' | 'negative' | 'stale' | undefined {
  if (verdict.state === 'missing') return undefined;
  if (verdict.expiredForMs > 0) return verdict.expiredForMs <= staleForMs ? 'stale' : undefined;
  return verdict.entry.kind === 'v' ? 'hit' : 'negative';
}

/** The same for somebody who could not use what the load `judged` had made: its body may be damaged. */
export function betterThan(judged: string, verdict: Verdict, policy: ResolvedPolicy) {
  const isTheSame = verdict.state === 'valid' && verdict.entry.fillId === judged;
  return isTheSame ? undefined : usableAs(verdict, policy);
}

export function entryFound({ kind, text, bodyAt, loadedAt }: Entry, status: CacheStatus): Loaded {
  return { kind, body: text.slice(bodyAt), status, loadedAt, isComplete: true };
}
