import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from '@jest/globals';
import type { RedisBatch } from 'nestjs-redis-data';
import { startRedis, type RedisTestServer } from 'nestjs-redis-data/testing';
import { describeWithRealRedis } from '../../../../test/support/real-redis.js';
import { batchFailure, manyKeys, useBatchConnections } from './support/batch-connection.js';
import { recordCommands } from './support/record-commands.js';
import { SOON_MS, timed } from '../../../../test/support/time.js';

const connect = useBatchConnections();

describeWithRealRedis('RedisBatch in an outage', () => {
  let server: RedisTestServer;
  beforeEach(async () => {
    server = await startRedis();
  });
  afterEach(() => server.stop());

  it('ends soon when Redis dies midway, and reports the written keys', async () => {
    const { client, batch } = await connect({ url: server.url, commandTimeout: '2s' });
    const keys = manyKeys(20_000);
    const { sent } = recordCommands(client);
    const writing = batchFailure(batch.setAll(new Map(keys.map((key) => [key, 1]))));
    while (sent.length < 2_000) await new Promise(setImmediate);
    await server.kill();
    const { ms, result } = await timed(() => writing);
    const { errors, results } = result;
    expect(ms).toBeLessThan(SOON_MS);
    expect(results.size).toBeGreaterThanOrEqual(1_000);
    expect([...results.keys(), ...errors.keys()]).toEqual(keys);
    for (const { name } of errors.values()) {
      expect(name).toMatch(/^Redis(Connection|Timeout)Exception$/);
    }
    expect(sent.length).toBeLessThanOrEqual(results.size + 1_000);
  });

  it.each<[string, (batch: RedisBatch, keys: string[]) => Promise<unknown>]>([
    ['getAll', (batch, keys) => batch.getAll(keys)],
    ['setAll', (batch, keys) => batch.setAll(new Map(keys.map((key) => [key, 1])))],
    ['incrementAll', (batch, keys) => batch.incrementAll(keys)],
    ['deleteAll', (batch, keys) => batch.deleteAll(keys)],
  ])('%s waits for one deadline, not for one per chunk', async (_, run) => {
    const { client, batch } = await connect({ url: server.url, commandTimeout: '200ms' });
    const { sent } = recordCommands(client);
    server.freeze();
    const keys = manyKeys(15_000);
    const { ms, result } = await timed(() => batchFailure(run(batch, keys)));
    const { errors, results } = result;
    expect(ms).toBeLessThan(SOON_MS); // it would be 6 s for one chunk of 500 after the other
    expect(results.size).toBe(0);
    expect(errors.size).toBe(15_000);
    expect(new Set([...errors.values()].map(({ name }) => name))).toEqual(
      new Set(['RedisTimeoutException']),
    );
    expect(sent.length).toBeLessThanOrEqual(500);
    server.thaw();
  });

  it('reports that Redis is full, and still reads and deletes', async () => {
    const { client, batch } = await connect({ url: server.url });
    await batch.incrementAll(['counter']);
    await client.config('SET', 'maxmemory', '1');
    const full = expect.objectContaining({ name: 'RedisOutOfMemoryException' });
    const writing = await batchFailure(batch.setAll({ a: 1, b: 2 }));
    expect([...writing.errors]).toEqual([
      ['a', full],
      ['b', full],
    ]);
    const counting = await batchFailure(batch.incrementAll(['counter', 'new']));
    expect([...counting.errors]).toEqual([
      ['counter', full],
      ['new', full],
    ]);
    expect(await batch.getAll(['counter'])).toEqual(new Map([['counter', 1]]));
    expect(await batch.deleteAll(['counter'])).toBe(1);
  });
});

describeWithRealRedis('RedisBatch of a user without permission for some keys', () => {
  let server: RedisTestServer;
  beforeAll(async () => {
    server = await startRedis({
      args: ['--user', 'guest', 'on', '>pw', '~mine:*', '+@all'],
    });
  });
  afterAll(() => server.stop());

  it('fails for the forbidden key only', async () => {
    const { host, port } = server;
    const { batch } = await connect({ host, port, username: 'guest', password: 'pw' });
    const keys = ['mine:a', 'theirs', 'mine:b'];
    const forbidden = [
      ['theirs', expect.objectContaining({ name: 'RedisPermissionException' })],
    ] as const;

    const writing = await batchFailure(batch.setAll(new Map(keys.map((key) => [key, 1]))));
    expect([...writing.errors]).toEqual(forbidden);
    expect([...writing.results.keys()]).toEqual(['mine:a', 'mine:b']);

    const counting = await batchFailure(batch.incrementAll(keys));
    expect([...counting.errors]).toEqual(forbidden);
    expect([...counting.results]).toEqual([
      ['mine:a', 2],
      ['mine:b', 2],
    ]);

    const reading = await batchFailure(batch.getAll(keys));
    expect([...reading.errors]).toEqual(forbidden);
    expect([...reading.results]).toEqual([
      ['mine:a', 2],
      ['mine:b', 2],
    ]);

    const deleting = await batchFailure(batch.deleteAll(keys));
    expect([...deleting.errors]).toEqual(forbidden);
    expect([...deleting.results]).toEqual([
      ['mine:a', true],
      ['mine:b', true],
    ]);
    expect(await batch.getAll(['mine:a', 'mine:b'])).toEqual(new Map());
  });
});
