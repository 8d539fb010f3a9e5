import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { KeyBuilder } from '../../src/index.js';
import { EmbeddedTestServer } from '../../src/testing/embedded-test-server.js';
import { listenedCache } from './support/cache-stage.js';
import { openConnection, type OpenConnection } from './support/open-connection.js';

describe('A change on the embedded server', () => {
  let server: EmbeddedTestServer;
  let connection: OpenConnection;
  beforeAll(async () => {
    server = await EmbeddedTestServer.start();
    connection = await openConnection({ url: server.url });
  });
  afterAll(async () => {
    await connection.close();
    await server.stop();
  });

  it.each([
    ['a tag', { tags: ['t'] }],
    ['an entry', { keys: ['x'] }],
  ])('of %s lets no old value be cached until it has ended', async (_, what) => {
    const keys = new KeyBuilder({ app: 'test', environment: Object.keys(what).join('') });
    const { cache } = listenedCache(connection.client, keys);
    let source = 'old';
    const load = () => cache.resolve('x', () => source, { tags: ['t'] });
    await load();
    await cache.change(what, async () => {
      await cache.change(what, () => undefined);
      await cache.invalidateTags('t');
      await cache.delete('x');
      await cache.invalidatePattern('*');
      await cache.set('x', 'set', { tags: ['t'] });
      for (let i = 0; i < 2; i++) expect(await load()).toMatchObject({ status: 'miss' });
      source = 'new';
    });
    expect(await load()).toMatchObject({ value: 'new', status: 'miss' });
    expect(await load()).toMatchObject({ value: 'new', status: 'hit' });
    expect(await connection.client.exists(keys.tagKey('t'))).toBe(1);
  });
});
