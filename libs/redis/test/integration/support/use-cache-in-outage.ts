import { Redis } from 'ioredis';
import { RedisCache } from '../../../src/cache/redis-cache.js';
import { KeyBuilder } from '../../../src/keys/key-builder.js';

/** @param pid the server's, which this freezes and kills */
export async function useCacheInOutage(port: number, pid: number) {
  const client = new Redis({ port, maxRetriesPerRequest: 1 });
  client.on('error', () => undefined);
  const keys = new KeyBuilder({ app: 'test', environment: 'child' });
  const cache = new RedisCache(client, keys, { timeout: '100ms', outbox: true });
  await client.ping();
  const load = async (i: number) => {
    const { status } = await cache.resolve(['x', i], () => i, { tags: ['t'], failSafe: '1m' });
    return status;
  };
  const loadMany = async () => {
    const leaving = AbortSignal.timeout(10);
    const left = cache.getOrLoad('left', () => 1, { signal: leaving }).catch(() => undefined);
    const failing = cache
      .getOrLoad('failing', () => Promise.reject(new Error()))
      .catch(() => undefined);
    const statuses = await Promise.all(Array.from({ length: 20 }, (_, i) => load(i)));
    await Promise.all([left, failing, cache.invalidateTags('t'), cache.delete('x')]);
    await cache.set('x', 1).catch(() => undefined);
    return [...new Set(statuses)];
  };
  const before = await load(-1);
  process.kill(pid, 'SIGSTOP');
  const frozen = await loadMany();
  process.kill(pid, 'SIGKILL');
  await new Promise((resolve) => client.once('close', resolve));
  const killed = await loadMany();
  client.disconnect();
  return { before, frozen, killed };
}
