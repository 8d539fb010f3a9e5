import { describe, expect, it } from '@jest/globals';
import { connectionOf, type Connection } from './connection.js';
import type { RedisClient } from './options/options.js';
import { readServerMemory } from './server-memory.js';

/** A cluster whose primaries say this about their memory. */
function cluster(...texts: readonly string[]): Connection {
  const nodes = texts.map((text, port) => ({ options: { host: 'node', port }, text }));
  const stub = {
    status: 'ready',
    slots: [],
    nodes: () => nodes,
    sendCommand: (
      command: { resolve(text: string): void },
      _pipeline: undefined,
      { redis }: { redis: { text: string } },
    ) => {
      command.resolve(redis.text);
    },
  };
  return connectionOf(stub as unknown as RedisClient);
}

function says(used: number, limit: number, policy = 'noeviction'): string {
  return `used_memory:${used}\r\nmaxmemory:${limit}\r\nmaxmemory_policy:${policy}\r\n`;
}

describe('the memory of a cluster', () => {
  it('is that of its fullest primary, not of the one that uses most, and no sum', async () => {
    const memory = await readServerMemory(cluster(says(500, 1_000), says(95, 100), says(1, 100)));
    expect(memory).toEqual({ usedBytes: 95, limitBytes: 100, evicts: false });
  });

  it('is that of a primary with a limit, before those that have none', async () => {
    const memory = await readServerMemory(cluster(says(500, 0), says(1, 100, 'allkeys-lfu')));
    expect(memory).toEqual({ usedBytes: 1, limitBytes: 100, evicts: true });
  });

  it('is that of the one that uses most, where there are no limits', async () => {
    const memory = await readServerMemory(cluster(says(1, 0), says(500, 0), 'nothing'));
    expect(memory).toEqual({ usedBytes: 500, evicts: false });
  });

  it('is not known if nobody says', async () => {
    expect(await readServerMemory(cluster('used_memory:0\r\n', 'nothing'))).toBeUndefined();
  });
});
