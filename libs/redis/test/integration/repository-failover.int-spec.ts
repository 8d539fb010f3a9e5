/** Iterations while a primary of a cluster is gone. */
import { once } from 'node:events';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { Cluster } from 'ioredis';
import { EntityId, KeyBuilder, RedisEntity, RedisRepository } from '../../src/index.js';
import { startCluster, type RedisTestCluster } from '../../src/testing/index.js';
import { describeWithRealRedis } from '../../../../test/support/real-redis.js';
import { caught } from './support/caught.js';
import { openConnection, type OpenConnection } from './support/open-connection.js';

@RedisEntity({ kind: 'note' })
class Note {
  @EntityId() id!: string;
}

const keys = new KeyBuilder({ app: 'test', environment: 'failover' });
const NOTES = 2_000; // more than one page on each primary
const OUTAGE = /^Redis(Connection|Unavailable|Timeout)Exception$/;

describeWithRealRedis('Iterating over all entities of a cluster whose primary dies', () => {
  let cluster: RedisTestCluster;
  let connection: OpenConnection;
  let notes: RedisRepository<Note>;

  beforeAll(async () => {
    cluster = await startCluster();
    const clusterNodes = cluster.nodes.map(({ host, port }) => ({ host, port }));
    connection = await openConnection({ clusterNodes, commandTimeout: '2s' });
    notes = new RedisRepository(connection.client, keys, Note);
    await notes.saveAll(Array.from({ length: NOTES }, (_, i) => ({ id: `${i}` })));
  });
  afterAll(async () => {
    await connection.close();
    await cluster.stop();
  });

  it('ends although connections are lost between pages', async () => {
    const client = connection.client as Cluster;
    const seen = new Set<string>();
    for await (const id of notes.ids()) {
      seen.add(id);
      if (seen.size !== 100) continue;
      for (const node of client.nodes('all').slice(1)) {
        const isForgotten = once(client, '-node');
        node.disconnect();
        await isForgotten;
      }
    }
    expect(seen.size).toBe(NOTES);
  });

  it('never returns only a part: it reports the outage until a replica has taken over', async () => {
    const iterations = [0, 1, 2].map(() => notes.ids());
    await Promise.all(iterations.map((ids) => ids.next()));
    await cluster.primaries[1]?.kill();
    for (const ids of iterations) {
      expect((await caught(exhaust(ids))).name).toMatch(OUTAGE);
    }
    let count: number | undefined;
    while (count === undefined) {
      count = await notes.count().catch((error: unknown) => {
        expect((error as Error).name).toMatch(OUTAGE);
        return undefined;
      });
    }
    expect(count).toBe(NOTES);
    expect(await pages()).toBe(NOTES);
  });

  async function pages(): Promise<number> {
    const seen = new Set<string>();
    let cursor: string | null | undefined;
    do {
      const page = await notes.page({ limit: 500, cursor });
      for (const { id } of page.entities) seen.add(id);
      cursor = page.cursor;
    } while (cursor !== null);
    return seen.size;
  }
});

async function exhaust(ids: AsyncIterable<string>): Promise<void> {
  for await (const id of ids) expect(id).not.toBe('');
}
