import type { GeneralSerializer } from './cache-serializer.js';
import { JsonSerializer } from './json.serializer.js';

const json = new JsonSerializer();

/**
 * JSON as `JsonSerializer` writes it: what a cache uses unless it is told otherwise. Name it to compress
 * it, or for one call of a cache that uses another.
 *
 * @throws RedisSerializationException for what JSON cannot hold
 * @publicApi
 */
export const jsonSerializer: GeneralSerializer = {
  name: 'json',
  serialize: (value, key) => json.serialize(value, key),
  deserialize: (body, key) => json.deserialize(body.toString(), key),
};
