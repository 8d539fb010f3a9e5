import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { connectionOf } from '../connection/connection.js';
import type { Connections } from '../connection/connections.js';
import type { RedisClient } from '../connection/options/options.js';
import { MemoryMetrics, MemoryProbe } from './memory-metrics.js';

/** A client whose answers to INFO come from the test. */
function client() {
  const asked: { answer(text: string): void; refuse(message: string): void }[] = [];
  const stub = {
    status: 'ready',
    sendCommand: ({ resolve, reject }: { resolve(text: string): void; reject(e: Error): void }) => {
      asked.push({
        answer: resolve,
        refuse: (message) => {
          reject(Object.assign(new Error(message), { name: 'ReplyError' }));
        },
      });
    },
  };
  return { stub, asked, probe: connectionOf(stub as unknown as RedisClient).part(MemoryProbe) };
}

/** Starts reading, and returns when only the answer is missing. */
async function begin(...probes: MemoryProbe[]): Promise<{ readonly memory: Promise<unknown> }> {
  const memory = Promise.all(probes.map((probe) => probe.read()));
  await jest.advanceTimersByTimeAsync(0);
  return { memory: probes.length > 1 ? memory : memory.then(([one]) => one) };
}

const INFO = '# Memory\r\nused_memory:100\r\nused_memory_human:1\r\nmaxmemory:400\r\n';
const MEMORY = { usedBytes: 100, limitBytes: 400, evicts: false };

describe('MemoryMetrics', () => {
  it('asks a connection once for the metrics of two registries', async () => {
    const { stub, asked } = client();
    const connections = { injected: new Map([['default', { client: stub }]]) };
    const registries = () => [connections as unknown as Connections];
    const metrics = [new MemoryMetrics(registries), new MemoryMetrics(registries)];
    const scrapes = metrics.flatMap(({ exposed }) => exposed.map((metric) => metric.get()));
    await new Promise(setImmediate);
    expect(asked).toHaveLength(1);
    asked[0]?.answer(INFO);
    const [used] = await Promise.all(scrapes);
    expect(used?.values).toEqual([{ labels: { connection: 'default' }, value: 100 }]);
  });
});

describe('MemoryProbe', () => {
  beforeEach(() => {
    jest.useFakeTimers();
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  it('asks once for all scrapes within ten seconds', async () => {
    const { asked, probe } = client();
    const reading = await begin(probe, probe);
    expect(asked).toHaveLength(1);
    asked[0]?.answer(INFO);
    expect(await reading.memory).toEqual([MEMORY, MEMORY]);
    await jest.advanceTimersByTimeAsync(9_999);
    expect(await probe.read()).toEqual(MEMORY);
    expect([asked.length, jest.getTimerCount()]).toEqual([1, 0]);
  });

  it('asks again, and shows the new value, after ten seconds', async () => {
    const { asked, probe } = client();
    const first = await begin(probe);
    asked[0]?.answer(INFO);
    await first.memory;
    await jest.advanceTimersByTimeAsync(10_000);
    const second = await begin(probe);
    expect(asked).toHaveLength(2);
    asked[1]?.answer(INFO.replace('100', '200'));
    expect(await second.memory).toEqual({ ...MEMORY, usedBytes: 200 });
  });

  it('waits 250 ms for the first answer, and not at all while that is late', async () => {
    const { asked, probe } = client();
    let first: unknown = 'nothing yet';
    const reading = probe.read().then((memory) => (first = memory));
    await jest.advanceTimersByTimeAsync(249);
    expect(first).toBe('nothing yet');
    await jest.advanceTimersByTimeAsync(1);
    await reading;
    expect(first).toBeUndefined();
    expect(await probe.read()).toBeUndefined(); // the clock stands still
    asked[0]?.refuse('Command timed out');
    await jest.advanceTimersByTimeAsync(20_000);
    expect(await probe.read()).toBeUndefined();
    expect(asked).toHaveLength(2);
    asked[1]?.answer(INFO);
    await jest.advanceTimersByTimeAsync(0);
    expect(await probe.read()).toEqual(MEMORY);
    expect(asked).toHaveLength(2);
  });

  it('asks a server that refuses again after ten minutes', async () => {
    const { asked, probe } = client();
    const reading = await begin(probe);
    asked[0]?.refuse("NOPERM this user has no permissions to run the 'info' command");
    expect(await reading.memory).toBeUndefined();
    await jest.advanceTimersByTimeAsync(599_999);
    expect(await probe.read()).toBeUndefined();
    expect(asked).toHaveLength(1);
    await jest.advanceTimersByTimeAsync(10_000);
    await begin(probe);
    expect(asked).toHaveLength(2);
  });

  it('asks nothing, and shows nothing, without a connection', async () => {
    const { stub, asked, probe } = client();
    const first = await begin(probe);
    asked[0]?.answer(INFO);
    await first.memory;
    stub.status = 'reconnecting';
    await jest.advanceTimersByTimeAsync(1_000);
    expect(await probe.read()).toBeUndefined();
    await jest.advanceTimersByTimeAsync(60_000);
    expect(await probe.read()).toBeUndefined();
    expect(asked).toHaveLength(1);
  });

  it.each([
    ['no limit', INFO.replace('maxmemory:400', 'maxmemory:0'), { usedBytes: 100, evicts: false }],
    ['a policy', `${INFO}maxmemory_policy:allkeys-lru\r\n`, { ...MEMORY, evicts: true }],
    ['nothing about memory', '# Server\r\nredis_version:7.0.15\r\n', undefined],
  ])('understands an answer with %s', async (_, text, expected) => {
    const { asked, probe } = client();
    const reading = await begin(probe);
    asked[0]?.answer(text);
    expect(await reading.memory).toEqual(expected);
  });
});
