import type { CacheStatus } from '../cache-options.js';
import type { Loaded, LoadRequest } from './load-request.js';
import type { ResolvedPolicy } from '../cache-policy.js';
import type { Entry } from '../entry/envelope.js';
import type { Verdict } from '../store/entry-reader.js';
import { isReadable } from './values.js';

/** As what a caller may be given what was found; `undefined` if it may not. */
export function usableAs(
  verdict: Verdict,
  { staleForMs }: ResolvedPolicy,
): 'hit' | 'negative' | 'stale' | undefined {
  if (verdict.state === 'missing') return undefined;
  if (verdict.expiredForMs > 0) return verdict.expiredForMs <= staleForMs ? 'stale' : undefined;
  return verdict.entry.kind === 'v' ? 'hit' : 'negative';
}

/** What a caller who waited may be given of what was found, if its body is not damaged. */
export function foundFor(request: LoadRequest, verdict: Verdict): Loaded | undefined {
  const status = usableAs(verdict, request.policy);
  if (!status || verdict.state === 'missing') return undefined;
  const found = entryFound(verdict.entry, status, request);
  return found && isReadable(found, request) ? found : undefined;
}

/** What a caller may be given of an entry; `undefined` if another serializer than the call names has made it. */
export function entryFound(
  { kind, body, serializer, loadedAt }: Entry,
  status: CacheStatus,
  request: LoadRequest,
): Loaded | undefined {
  if (kind === 'v' && serializer !== request.serializer.name) return undefined;
  return { kind, body, status, loadedAt, isComplete: true };
}

/** The load that made what was found, '' if none did: whoever loads anew says so with the lease. */
export function judgedBy(verdict: Verdict): string {
  return verdict.state === 'missing' ? verdict.judged : verdict.entry.fillId;
}

/** Whether what is missing is being changed: it may be loaded, and not stored. */
export function isChanging(verdict: Verdict): boolean {
  return verdict.state === 'missing' && verdict.isBeingChanged;
}
