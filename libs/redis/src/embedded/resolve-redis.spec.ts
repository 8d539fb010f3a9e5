import { describe, expect, it, jest } from '@jest/globals';
import { missingRedis, resolveOn, resolveRedis, type Machine } from './resolve-redis.js';

/** Must not be called in these tests. */
const startEmbedded = jest.fn<Machine['startEmbedded']>();
const machine: Machine = { usualFolders: [], startEmbedded };

describe('resolveRedis with a configuration', () => {
  it.each([
    [{ REDIS_URL: 'redis://h:1/2' }, 'Redis: redis://h:1/2 (REDIS_URL is set)'],
    [{ REDIS_HOST: 'h' }, 'Redis: h:6379 (REDIS_HOST is set)'],
    [{ REDIS_HOST: 'h', REDIS_PORT: '7' }, 'Redis: h:7 (REDIS_HOST is set)'],
    [{ REDIS_SENTINELS: 'a:1,b:2' }, 'Redis: a:1,b:2 (REDIS_SENTINELS is set)'],
    [{ REDIS_CLUSTER_NODES: 'a:1' }, 'Redis: a:1 (REDIS_CLUSTER_NODES is set)'],
    [{ REDIS_URL: 'nonsense' }, 'Redis: an address that cannot be read (REDIS_URL is set)'],
  ])('uses %j and starts nothing', async (env: Record<string, string>, description) => {
    const production = { ...env, NODE_ENV: 'production', REDIS_EMBEDDED: 'off' };
    const redis = await resolveOn(machine, production, {});
    expect(redis).toMatchObject({ url: env['REDIS_URL'], source: 'configured', description });
    await redis.stop();
    expect(startEmbedded).not.toHaveBeenCalled();
  });

  it('shows no credentials', async () => {
    const { description, url } = await resolveRedis({ REDIS_URL: 'redis://user:s3cret@h:1' });
    expect(description).toBe('Redis: redis://***@h:1 (REDIS_URL is set)');
    expect(url).toBe('redis://user:s3cret@h:1');
  });
});

describe('resolveRedis without a configuration', () => {
  it.each([
    [{ NODE_ENV: 'production' }, 'with NODE_ENV=production no Redis is started'],
    [{ REDIS_EMBEDDED: 'off' }, 'with REDIS_EMBEDDED=off no Redis is started'],
    [{ REDIS_EMBEDDED: 'maybe' }, 'REDIS_EMBEDDED=maybe: on or off'],
    [{ NODE_ENV: 'production', REDIS_URL: ' ' }, 'REDIS_URL is not set'],
  ])('refuses %j', async (env: Record<string, string>, message) => {
    await expect(resolveOn(machine, env, {})).rejects.toThrow(message);
    expect(startEmbedded).not.toHaveBeenCalled();
  });
});

describe('missingRedis', () => {
  it.each([
    { NODE_ENV: 'production' },
    { REDIS_EMBEDDED: 'off', REDIS_URL: ' ' },
    { NODE_ENV: 'production', REDIS_EMBEDDED: 'maybe' },
  ])('gives the same problem as resolveRedis for %j', async (env: Record<string, string>) => {
    const problems = missingRedis(env);

    expect(problems).toEqual([{ setting: 'REDIS_URL', accepted: expect.any(String) }]);
    await expect(resolveOn(machine, env, {})).rejects.toThrow(problems[0]?.accepted);
  });

  it.each([{}, { REDIS_EMBEDDED: 'maybe' }, { NODE_ENV: 'production', REDIS_HOST: 'h' }])(
    'gives no problem for %j',
    (env: Record<string, string>) => {
      expect(missingRedis(env)).toEqual([]);
    },
  );
});
