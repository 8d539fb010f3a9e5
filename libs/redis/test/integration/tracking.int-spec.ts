import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Redis } from 'ioredis';
import { startRedis, type RedisTestServer } from '../../src/testing/index.js';
import { eventually } from '../../../../test/support/time.js';
import { track } from './support/tracked.js';

describe('Tracking one server', () => {
  let server: RedisTestServer;
  beforeAll(async () => {
    server = await startRedis();
  });
  afterAll(() => server.stop());

  it('hears which keys another client changes, under its prefixes only', async () => {
    await using tracked = await track({ url: server.url });
    await using writer = await track({ url: server.url });
    await tracked.armed();
    await writer.client.mset({ 'cache:app:test:a': '1', 'tag:app:test:t': '1', 'other:b': '1' });
    await writer.client.set('cache:app:test:end', '1');
    await eventually(() => {
      expect(tracked.keys).toContain('cache:app:test:end');
    });
    expect([...tracked.keys].sort()).toEqual([
      'cache:app:test:a',
      'cache:app:test:end',
      'tag:app:test:t',
    ]);
    expect(tracked.heard[0]).toBe('armed');
  });

  it('proves again and again that it hears', async () => {
    await using tracked = await track({ url: server.url });
    await tracked.armed();
    const [link] = tracked.tracking.links;
    const first = link?.provenAt ?? NaN;
    await eventually(() => {
      expect(link?.provenAt).toBeGreaterThan(first + 100);
    });
    expect(tracked.tracking.linkOf('cache:app:test:a')).toBe(link);
  });

  it('is lost with the connection of the client, and armed with the next one', async () => {
    await using tracked = await track({ url: server.url });
    await tracked.armed();
    const [link] = tracked.tracking.links;
    const before = link?.epoch ?? NaN;
    (tracked.client as Redis).stream.destroy();
    await tracked.hears('lost');
    await tracked.armed();
    expect(link?.epoch).toBeGreaterThan(before);
    expect(tracked.heard).toEqual(['armed', 'lost', 'armed']);
  });
});
