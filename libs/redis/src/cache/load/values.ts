import { bytesOf, type CacheSerializer } from '../../serialization/cache-serializer.js';
import type { Loaded, LoadRequest } from './load-request.js';
import type { EntryKind } from '../entry/envelope.js';

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

/** Whether a value can be made of what was found: it may have been damaged in Redis. */
export function isReadable(loaded: Loaded, { keys, serializer }: LoadRequest): boolean {
  try {
    valueOf(loaded, keys.entry, serializer);
    return true;
  } catch {
    return false;
  }
}

/** A value of each caller's own: what one changes in it the others do not see. */
export function valueOf(
  { kind, body }: Loaded,
  key: string,
  serializer: CacheSerializer<unknown>,
): unknown {
  if (kind !== 'v') return kind === 'n' ? null : undefined;
  return serializer.deserialize(body, key);
}
