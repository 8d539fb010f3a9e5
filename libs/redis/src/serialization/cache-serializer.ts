/**
 * Turns a cached value into bytes and back. The cache takes care of `null` and `undefined` itself.
 *
 * @example
 * const dates: CacheSerializer<Date> = {
 *   name: 'date',
 *   serialize: (date) => date.toISOString(),
 *   deserialize: (body) => new Date(body.toString()),
 * };
 *
 * @publicApi
 */
export interface CacheSerializer<T> {
  /**
   * Is stored with each value: what a serializer of another name has written counts as a miss. Two
   * serializers of one name must read what the other writes, so give it a new name (`'post-2'`) when the
   * format changes. 1 to 64 printable ASCII characters without a space; `'json'` is the default's.
   */
  readonly name: string;
  /**
   * @param key names the value in an error; it is not stored
   * @returns what is stored; a text is stored as UTF-8
   */
  serialize(value: T, key: string): Uint8Array | string;
  /**
   * Called once for each caller, so that each has a value of its own: neither change `body` nor return a
   * view of it. What it throws for stored bytes counts as a miss.
   *
   * @param body what `serialize` returned; a text as UTF-8
   * @param key names the value in an error
   */
  deserialize(body: Buffer, key: string): T;
}

/** A serializer for values of every type. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- as of JSON.parse: who reads says the type
export type GeneralSerializer = CacheSerializer<any>;

const NAME = /^[!-~]{1,64}$/;

export const ACCEPTED_SERIALIZERS =
  'a serializer with a name of 1 to 64 printable ASCII characters without a space';

/** Whether a value is a serializer with a name that can be stored. */
export function isSerializer(given: unknown): given is CacheSerializer<unknown> {
  const name: unknown = (given as Partial<CacheSerializer<unknown>> | null)?.name;
  return typeof name === 'string' && NAME.test(name);
}

/** The result of a serializer, as bytes. */
export function bytesOf(body: Uint8Array | string): Buffer {
  if (typeof body === 'string') return Buffer.from(body);
  return Buffer.isBuffer(body) ? body : Buffer.from(body.buffer, body.byteOffset, body.byteLength);
}
