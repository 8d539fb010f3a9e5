import { AsyncResource } from 'node:async_hooks';

/** The async context in which the library was loaded: no request. */
const context = new AsyncResource('nestjs-redis-data: connection');

/**
 * Does what outlives the request that causes it: opens a connection, starts a timer. Otherwise all that
 * follows would be part of the request's trace, and keep the request's AsyncLocalStorage in memory.
 *
 * @internal
 */
export function outsideOfRequests<T>(work: () => T): T {
  return context.runInAsyncScope(work);
}
