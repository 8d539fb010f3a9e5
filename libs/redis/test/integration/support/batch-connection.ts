import { afterEach, expect } from '@jest/globals';
import { RedisBatch, type RedisBatchException, type RedisModuleOptions } from 'nestjs-redis-data';
import { caught } from './caught.js';
import { openConnection, type OpenConnection } from './open-connection.js';

export const manyKeys = (count: number) => Array.from({ length: count }, (_, i) => `key:${i}`);

/** Closes what the returned function opened when a test ends. */
export function useBatchConnections() {
  let open: OpenConnection[] = [];
  afterEach(async () => {
    await Promise.all(open.map((connection) => connection.close()));
    open = [];
  });
  return async (options: RedisModuleOptions) => {
    const connection = await openConnection(options);
    open.push(connection);
    return { client: connection.client, batch: new RedisBatch(connection.client) };
  };
}

export async function batchFailure(promise: Promise<unknown>): Promise<RedisBatchException> {
  const error = await caught(promise);
  expect(error.name).toBe('RedisBatchException');
  return error as RedisBatchException;
}
