import { bytesOf, type CacheSerializer } from '../../serialization/cache-serializer.js';
import type { EntryKind } from '../entry/envelope.js';
import type { Verdict } from '../store/entry-reader.js';
import type { Loaded, LoadRequest } from './load-request.js';

const NO_BODY = Buffer.alloc(0);

export function kindOf(value: unknown): EntryKind {
  if (value === null) return 'n';
  return value === undefined ? 'u' : 'v';
}

/** @throws what the serializer throws: RedisSerializationException for what it cannot hold */
export function bodyOf(value: unknown, key: string, serializer: CacheSerializer<unknown>): Buffer {
  if (value === null || value === undefined) return NO_BODY;
  return bytesOf(serializer.serialize(value, key));
}

/** Makes a value of each caller's own: a caller that changes it changes no other's. */
export function valueOf(
  { kind, body }: Loaded,
  key: string,
  serializer: CacheSerializer<unknown>,
): unknown {
  if (kind !== 'v') return kind === 'n' ? null : undefined;
  return serializer.deserialize(body, key);
}

/**
 * The part of a finding that a caller may be given.
 *
 * @param staleForMs how long after its `ttl` it may be served
 * @returns `undefined` if nothing valid was found, if it is too old, or if another serializer made it
 */
export function usableIn(
  verdict: Verdict,
  { policy, serializer }: LoadRequest,
  staleForMs = policy.staleForMs,
): Loaded | undefined {
  if (verdict.state === 'missing') return undefined;
  const { entry, expiredForMs } = verdict;
  if (expiredForMs > staleForMs) return undefined;
  const { kind } = entry;
  if (kind === 'v' && entry.serializer !== serializer.name) return undefined;
  const fresh = kind === 'v' ? 'hit' : 'negative';
  const status = expiredForMs > 0 ? 'stale' : fresh;
  return { kind, body: entry.body, status, loadedAt: entry.loadedAt, isComplete: true };
}

/** `usableIn`, if a value can be made from it: its body may have been damaged in Redis. */
export function readableIn(
  verdict: Verdict,
  request: LoadRequest,
  staleForMs = request.policy.staleForMs,
): Loaded | undefined {
  const found = usableIn(verdict, request, staleForMs);
  return found && isReadable(found, request) ? found : undefined;
}

function isReadable(loaded: Loaded, { keys, serializer }: LoadRequest): boolean {
  try {
    valueOf(loaded, keys.entry, serializer);
    return true;
  } catch {
    return false;
  }
}
