import { expect, jest } from '@jest/globals';
import { eventually } from '../../../../../test/support/time.js';
import type { RedisCacheOptions } from '../../../src/index.js';
import { describeWithRealRedis } from '../../../../../test/support/real-redis.js';
import { listenedCache } from './cache-stage.js';
import { onCluster, onOneServer, type Stage } from './repository-servers.js';

export const NEAR = { maxBytes: 2 ** 20, staleness: '2s' } as const;

/** The suite on one server and on a cluster, both real: the embedded server tracks nothing. */
export function onTrackingServers(suite: (stage: Stage) => void): void {
  describeWithRealRedis('with tracking', () => {
    onOneServer(suite);
  });
  onCluster(suite);
}

/** Starts caches of one application, each on a connection of its own, as in processes of their own. */
export function processesOn(stage: Stage) {
  const keys = stage.keys();
  return {
    keys,
    async start(options: RedisCacheOptions = {}) {
      const client = await stage.open();
      return { client, ...listenedCache(client, keys, { ttl: '1m', near: NEAR, ...options }) };
    },
  };
}

export type Started = Awaited<ReturnType<ReturnType<typeof processesOn>['start']>>;

/** Reads until the near copy serves. */
export async function untilNear({ cache }: Started, read: () => Promise<unknown>): Promise<void> {
  const { hits = 0 } = cache.nearState ?? {};
  await eventually(async () => {
    await read();
    expect(cache.nearState?.hits).toBeGreaterThan(hits);
  });
}

/** Caches `'old'`, and reads it until the near copy serves it. */
export async function warm(one: Started, key: string, tags: string[] = []): Promise<void> {
  await untilNear(one, () => one.cache.getOrLoad(key, () => 'old', { tags }));
}

/** The names of the commands that a client sends during some work. */
export async function sentDuring(one: Started, work: () => Promise<unknown>): Promise<string[]> {
  const spy = jest.spyOn(one.client, 'sendCommand');
  try {
    await work();
    return spy.mock.calls.map(([{ name }]) => name);
  } finally {
    spy.mockRestore();
  }
}
