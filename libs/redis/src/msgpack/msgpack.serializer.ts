import { Packr } from 'msgpackr';
import { RedisSerializationException } from '../errors/redis-serialization.exception.js';
import type { GeneralSerializer } from '../serialization/cache-serializer.js';
import { findLoss } from './find-loss.js';

/**
 * Objects are written as records: their names once for all objects of one shape. Nothing is shared
 * between values, so that every process can read every one of them. What is read never shares memory
 * with what is stored.
 */
const packr = new Packr({
  useRecords: true,
  moreTypes: true,
  structuredClone: false,
  useToJSON: false,
  copyBuffers: true,
});

/**
 * MessagePack: keeps what JSON keeps, and `undefined`, `NaN`, infinities, bigints, dates, maps, sets,
 * buffers, typed arrays, regular expressions and plain errors. An instance of a class comes back as a
 * plain object, and `-0` as `0`. What would come back as something else is refused.
 *
 * @example
 * RedisModule.forCache('reports', { serializer: msgpackSerializer })
 *
 * @throws RedisSerializationException naming the place of what it cannot keep
 * @publicApi
 */
export const msgpackSerializer: GeneralSerializer = {
  name: 'msgpack',
  serialize(value, key) {
    const loss = findLoss(value);
    if (loss) {
      const { path } = loss;
      const problem = `cannot be written as MessagePack: ${path} ${loss.problem}`;
      throw new RedisSerializationException(key, problem, { path });
    }
    try {
      return packr.pack(value);
    } catch (cause) {
      throw new RedisSerializationException(key, 'cannot be written as MessagePack', { cause });
    }
  },
  deserialize(body, key) {
    try {
      return packr.unpack(body) as unknown;
    } catch {
      // Its errors quote what was stored, so they must not travel as the cause.
      throw new RedisSerializationException(key, `is not MessagePack (${body.length} bytes)`);
    }
  },
};
