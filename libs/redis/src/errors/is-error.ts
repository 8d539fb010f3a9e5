import { types } from 'node:util';

/**
 * Tells whether a value is an `Error` of any realm. In Jest an error of Node's own modules is not
 * `instanceof` the `Error` of tests and of this library.
 *
 * @internal
 */
export function isError(value: unknown): value is Error {
  return types.isNativeError(value) || value instanceof Error;
}
