import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { startRedis, type RedisTestServer } from 'nestjs-redis-data/testing';

import { describeWithRealRedis } from './support/real-redis.js';
import { waitUntil } from './support/time.js';
import { createUser, startUsersApp, type UsersApp } from './users-app.js';

describeWithRealRedis('the metrics of the users API', () => {
  let server: RedisTestServer;
  let app: UsersApp;
  const startedAt = performance.now();

  beforeAll(async () => {
    server = await startRedis({ args: ['--maxmemory', '64mb'] });
    app = await startUsersApp({
      REDIS_URL: server.url,
      REDIS_STARTUP: 'wait',
      REDIS_MAX_CONNECTIONS: '5',
    });
  });

  afterAll(async () => {
    await app.close();
    await server.stop();
  });

  /** Every series whose name begins like this, and its value. */
  async function series(start: string): Promise<ReadonlyMap<string, number>> {
    const { text } = await app.request('GET', '/metrics');
    const lines = text.split('\n').filter((line) => line.startsWith(start));
    return new Map(
      lines.map((line) => {
        const space = line.lastIndexOf(' ');
        return [line.slice(0, space), Number(line.slice(space + 1))];
      }),
    );
  }

  it('are text for Prometheus, and have those of the process', async () => {
    const { status, headers, text } = await app.request('GET', '/metrics');

    expect(status).toBe(200);
    expect(headers['content-type']).toMatch(/^text\/plain/);
    expect(text).toMatch(/^process_cpu_seconds_total \d/m);
    expect(text).toMatch(/^nodejs_eventloop_lag_seconds \d/m);
  });

  it('show every metric of this library', async () => {
    const { text } = await app.request('GET', '/metrics');

    const metrics = [...text.matchAll(/^# TYPE (redis_\S+)/gm)].map(([, name]) => name);
    expect(metrics).toEqual([
      'redis_command_duration_seconds',
      'redis_command_errors_total',
      'redis_connection_up',
      'redis_connection_replacements_total',
      'redis_pool_in_use',
      'redis_pool_limit',
      'redis_cache_requests_total',
      'redis_cache_load_duration_seconds',
      'redis_cache_invalidations_total',
      'redis_cache_lease_wait_seconds',
      'redis_cache_near_requests_total',
      'redis_cache_near_evictions_total',
      'redis_cache_near_unverified_total',
      'redis_cache_near_entries',
      'redis_cache_near_bytes',
      'redis_near_pushes_total',
      'redis_near_armed',
      'redis_near_proof_age_seconds',
      'redis_memory_used_bytes',
      'redis_memory_limit_bytes',
      'redis_memory_evicts',
    ]);
  });

  it('tell what requests did in Redis', async () => {
    const { id } = await createUser(app);
    const caches: unknown[] = [];
    await waitUntil('it was answered from the cache twice', async () => {
      caches.push((await app.request('GET', `/users/${id}/profile`)).headers['x-cache']);
      return caches.filter((cache) => cache === 'HIT').length === 2;
    });
    await app.request('PATCH', `/users/${id}`, { lastName: 'King' });
    await app.request('DELETE', `/users/${id}`);

    const seen = await series('redis_');
    const value = (name: string, labels: string) => seen.get(`redis_${name}{${labels}}`);
    const command = (name: string) =>
      value(
        'command_duration_seconds_count',
        `connection="default",command="${name}",outcome="success"`,
      );
    expect(command('eval')).toBeGreaterThanOrEqual(3); // created, updated, deleted
    expect(command('mget')).toBeGreaterThanOrEqual(3); // profiles
    const [sum, count] = ['sum', 'count'].map((suffix) =>
      value(
        `command_duration_seconds_${suffix}`,
        'connection="default",command="mget",outcome="success"',
      ),
    );
    expect(Number(sum) / Number(count)).toBeGreaterThan(0.000_01);
    const seconds = (performance.now() - startedAt) / 1_000;
    expect(Number(sum) / Number(count)).toBeLessThan(seconds); // no milliseconds
    const errors = [...seen.keys()].filter((name) => name.startsWith('redis_command_errors'));
    expect(errors.join()).not.toMatch(/command="(eval|mget|get|unlink)/);
    expect(value('connection_up', 'connection="default"')).toBe(1);
    expect(value('pool_in_use', 'connection="default"')).toBe(0);
    expect(value('pool_limit', 'connection="default"')).toBe(5);
    const misses = caches.filter((cache) => cache === 'MISS').length; // one, where Redis is in time
    expect(value('cache_requests_total', 'cache="default",result="miss"')).toBe(misses);
    expect(value('cache_requests_total', 'cache="default",result="hit"')).toBe(2);
    const filled = 'cache="default",outcome="filled"';
    expect(value('cache_load_duration_seconds_count', filled)).toBe(misses);
    const invalidated = (outcome: string) =>
      value('cache_invalidations_total', `cache="default",by="tag",outcome="${outcome}"`);
    expect([invalidated('success'), invalidated('error')]).toEqual([2, 0]);
    expect(value('memory_used_bytes', 'connection="default"')).toBeGreaterThan(100_000);
    expect(value('memory_limit_bytes', 'connection="default"')).toBe(64 * 1024 * 1024);
  });
});
