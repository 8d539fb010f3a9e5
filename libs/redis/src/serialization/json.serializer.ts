/**
 * @module serialization Value to string and back, in a form people can read with redis-cli.
 */
import { RedisSerializationException } from '../errors/redis-serialization.exception.js';

/** Its own type hides that it returns `undefined` for what JSON cannot hold. */
const stringify: (value: unknown) => string | undefined = JSON.stringify;

/**
 * JSON, with failures that name the key. What JSON cannot hold comes back as JSON has it: a `Date`
 * as an ISO string, `undefined` members left out, `NaN` as `null`.
 *
 * @publicApi
 */
export class JsonSerializer {
  /**
   * @param key names the value in the error; it is not stored
   * @throws RedisSerializationException for `undefined`, functions, `BigInt` and circular structures
   */
  serialize(value: unknown, key: string): string {
    let text: string | undefined;
    try {
      text = stringify(value);
    } catch (cause) {
      throw new RedisSerializationException(
        key,
        'cannot be written as JSON (a BigInt, a circular structure, or a toJSON that throws)',
        { cause },
      );
    }
    if (text === undefined) {
      throw new RedisSerializationException(
        key,
        `cannot be written as JSON: it is of type ${typeof value}`,
      );
    }
    return text;
  }

  /**
   * @param key names the value in the error
   * @throws RedisSerializationException when the text is not JSON; the text itself is never quoted
   */
  deserialize(text: string, key: string): unknown {
    try {
      return JSON.parse(text);
    } catch {
      // V8's SyntaxError quotes the stored text, so it must not travel as the cause.
      throw new RedisSerializationException(key, `is not JSON (${text.length} characters)`);
    }
  }
}
