import { types } from 'node:util';

/**
 * Whether this is an `Error`, of whichever realm: under Jest the errors of Node's own modules are not
 * `instanceof` the `Error` that tests and this library see.
 *
 * @internal
 */
export function isError(value: unknown): value is Error {
  return types.isNativeError(value) || value instanceof Error;
}
