import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { RedisRepository } from '../../src/index.js';
import { startRedis } from '../../src/testing/index.js';
import { Counter, counterKeys } from './support/update-counters.js';

const SCRIPT = join(process.cwd(), 'libs/redis/test/integration/support/update-in-child.cjs');

const UPDATES = 200;
const ENTITIES = 3;

describe('Processes that update the same entities', () => {
  it('lose no update, and end', async () => {
    await using server = await startRedis();
    const client = new Redis(server.port, server.host);
    const counters = new RedisRepository(client, counterKeys, Counter);
    const ids = Array.from({ length: ENTITIES }, (_, i) => `${i}`);
    await counters.saveAll(ids.map((id) => ({ id, count: 0, parity: 'even' })));
    const runs = [1, 2].map(async (seed) => {
      const args = [SCRIPT, server.port, UPDATES, ENTITIES, seed].map(String);
      const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: 50_000 });
      return JSON.parse(stdout) as Record<string, number>;
    });
    const made = await Promise.all(runs);
    const found = await counters.getAll(ids);
    for (const id of ids) {
      const expected = made.reduce((sum, counts) => sum + (counts[id] ?? 0), 0);
      expect([id, found.get(id)?.count]).toEqual([id, expected]);
    }
    const total = [...found.values()].reduce((sum, { count }) => sum + count, 0);
    expect(total).toBe(2 * UPDATES);
    const even = [...found.values()].filter(({ count }) => count % 2 === 0).map(({ id }) => id);
    const foundEven = (await counters.findBy({ parity: 'even' })).map(({ id }) => id);
    expect(foundEven.sort()).toEqual(even.sort());
    client.disconnect();
  });
});
