/**
 * @module serialization Value to string and back, in a form people can read with redis-cli.
 */
import { RedisSerializationException } from '../errors/redis-serialization.exception.js';
import { jsonLossOf, type JsonLoss } from './json-loss.js';

/** Its own type hides that it returns `undefined` for what JSON cannot hold. */
const stringify: (value: unknown) => string | undefined = JSON.stringify;

/**
 * JSON, with failures that name the key. What JSON does not bring back equal is refused, with the path to
 * it: dates, `undefined` in lists, `NaN`, maps, binary data, circles and the like. Members of objects that
 * are `undefined` are left out, an instance of a class comes back as a plain object, and -0 as 0.
 *
 * @publicApi
 */
export class JsonSerializer {
  /**
   * @param key names the value in the error; it is not stored
   * @throws RedisSerializationException for what would not come back equal; `path` says where it is
   */
  serialize(value: unknown, key: string): string {
    let loss: JsonLoss | undefined;
    try {
      loss = jsonLossOf(value);
    } catch (cause) {
      throw unwritable(key, cause); // a Proxy that throws, or no room on the stack
    }
    if (loss) throw lossException(key, loss);
    return writeJson(value, key);
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

/**
 * JSON of a value that has been looked at.
 *
 * @throws RedisSerializationException where JSON.stringify fails, or gives nothing
 * @internal
 */
export function writeJson(value: unknown, key: string): string {
  let text: string | undefined;
  try {
    text = stringify(value);
  } catch (cause) {
    throw unwritable(key, cause);
  }
  if (text === undefined) {
    throw new RedisSerializationException(
      key,
      'cannot be written as JSON: its toJSON gives nothing',
    );
  }
  return text;
}

/**
 * @param remedy what to do instead
 * @internal
 */
export function lossException(
  key: string,
  { path, problem, remedy }: JsonLoss,
  instead = remedy,
): RedisSerializationException {
  const sentence = `cannot be kept as JSON: ${path} ${problem}. Instead, ${instead}`;
  return new RedisSerializationException(key, sentence, { path });
}

/**
 * Something in the value, or in its class, has thrown.
 *
 * @internal
 */
export function unwritable(key: string, cause: unknown): RedisSerializationException {
  const problem = 'cannot be written as JSON (a toJSON, a constructor or a Proxy throws)';
  return new RedisSerializationException(key, problem, { cause });
}
