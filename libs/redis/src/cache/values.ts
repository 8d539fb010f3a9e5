import { JsonSerializer } from '../serialization/json.serializer.js';
import type { CacheSerializer } from './cache-options.js';
import type { Loaded, LoadRequest } from './cache-parts.js';
import type { EntryKind } from './entry/envelope.js';

const json = new JsonSerializer();

export function kindOf(value: unknown): EntryKind {
  if (value === null) return 'n';
  return value === undefined ? 'u' : 'v';
}

/** @throws RedisSerializationException if there is no serializer of the caller's, and JSON cannot hold it */
export function bodyOf(
  value: unknown,
  key: string,
  serializer: CacheSerializer<unknown> | undefined,
): string {
  if (value === null || value === undefined) return '';
  return serializer ? serializer.serialize(value) : json.serialize(value, key);
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
  serializer: CacheSerializer<unknown> | undefined,
): unknown {
  if (kind !== 'v') return kind === 'n' ? null : undefined;
  return serializer ? serializer.deserialize(body) : json.deserialize(body, key);
}
