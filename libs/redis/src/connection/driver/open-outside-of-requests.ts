import { AsyncResource } from 'node:async_hooks';
import type { RedisClient } from '../options/options.js';

/** What was going on when the library was loaded: no request. */
const outsideOfRequests = new AsyncResource('nestjs-redis-data: connection');

/**
 * A connection outlives the request whose command opens it, as that of a cluster's node does, and of a
 * pool. What it does by itself, ever after, would be part of that request's trace, and what is stored for
 * the request (AsyncLocalStorage) would never be let go of.
 *
 * @internal
 */
export function openOutsideOfRequests(client: RedisClient): void {
  const connect = client.connect.bind(client) as (...args: unknown[]) => Promise<void>;
  client.connect = (...args: unknown[]) =>
    outsideOfRequests.runInAsyncScope(connect, null, ...args);
}
