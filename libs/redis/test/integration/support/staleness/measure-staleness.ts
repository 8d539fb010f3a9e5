import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { RedisCache } from '../../../../src/cache/redis-cache.js';
import { startRedis, type RedisTestServer } from '../../../../src/testing/index.js';
import type { Duration } from '../../../../src/time/duration.js';
import { monotonicMs } from '../history/shared-state.js';
import { startSplitProxy, type SplitProxy } from '../split-proxy.js';
import {
  ROWS,
  sourceOf,
  stalenessKeys,
  tagOf,
  type ReaderReport,
  type ReaderSettings,
  type Sight,
} from './stale-reader.js';

const READER = join(
  process.cwd(),
  'libs/redis/test/integration/support/staleness/stale-reader-child.cjs',
);

/** The things that a fault harms. */
interface Victims {
  readonly server: RedisTestServer;
  readonly proxy: SplitProxy;
  readonly reader: ChildProcess;
  readonly admin: Redis;
}

/** Each fault is done, and undone after so long, again and again. */
const FAULT_MS = 1_200;
const PAUSE_MS = 800;
const WRITE_EVERY_MS = 20;

export const FAULTS = {
  none: () => undefined,
  'replies delayed by 40 ms': ({ proxy }) => proxy.delay(40),
  'tracking connection half-open': ({ proxy }) => proxy.freeze('tracking'),
  'data connection half-open': ({ proxy }) => proxy.freeze('data'),
  'both half-open': ({ proxy }) => proxy.stall(),
  'both cut': ({ proxy }) => proxy.cut(),
  'tracking connections killed': ({ admin }) => admin.call('CLIENT', 'KILL', 'TYPE', 'pubsub'),
  'all connections killed': async ({ admin }) => {
    await admin.call('CLIENT', 'KILL', 'TYPE', 'pubsub');
    await admin.call('CLIENT', 'KILL', 'TYPE', 'normal');
  },
  'process stopped (SIGSTOP)': ({ reader }) => reader.kill('SIGSTOP'),
  'server stopped (SIGSTOP)': ({ server }) => server.freeze(),
  'server killed and started': async ({ server }) => {
    await server.kill();
    await server.restart();
  },
  FLUSHALL: ({ admin }) => admin.flushall(),
} as const satisfies Record<string, (victims: Victims) => unknown>;
export type FaultName = keyof typeof FAULTS;

export interface Staleness {
  readonly fault: FaultName;
  readonly nearReads: number;
  readonly otherReads: number;
  readonly invalidations: number;
  /** How long after the acknowledgement of its invalidation the last read of a value began; 0 for never. */
  readonly nearWorstMs: number;
  /** The same for reads that asked Redis: these are never stale. */
  readonly otherWorstMs: number;
}

/**
 * Measures for how long a process serves what another one has invalidated, during each of the faults. The
 * clock is the same for all processes of the machine.
 */
export async function measureStaleness(
  staleness: Duration,
  faults: readonly FaultName[],
  secondsEach: number,
  onMeasured: (measured: Staleness) => void = () => undefined,
): Promise<Staleness[]> {
  const cleanups: (() => unknown)[] = [];
  try {
    const [server, source] = [await startRedis(), await startRedis()];
    cleanups.push(
      () => server.stop(),
      () => source.stop(),
    );
    const proxy = await startSplitProxy(server);
    cleanups.push(() => proxy.stop());
    const writer = new Writer(server, source);
    cleanups.push(() => writer.close());
    await writer.begin();
    const settings: ReaderSettings = { staleness, port: proxy.port, sourcePort: source.port };
    const reader = fork(READER, [JSON.stringify(settings)]);
    cleanups.push(() => reader.kill('SIGKILL'));
    await once(reader, 'message');
    const results: Staleness[] = [];
    for (const fault of faults) {
      await reportOf(reader);
      const victims = { server, proxy, reader, admin: writer.admin };
      const invalidations = await writer.during(() => harm(FAULTS[fault], victims, secondsEach));
      const { near, others, nearReads, otherReads } = await reportOf(reader);
      const nearWorstMs = writer.worstMs(near);
      const counts = { fault, nearReads, otherReads, invalidations };
      results.push({ ...counts, nearWorstMs, otherWorstMs: writer.worstMs(others) });
      onMeasured(results.at(-1) as Staleness);
    }
    return results;
  } finally {
    for (const cleanup of cleanups.reverse()) await cleanup();
  }
}

async function reportOf(reader: ChildProcess): Promise<ReaderReport> {
  const reported = once(reader, 'message');
  reader.send('report');
  const [report] = (await reported) as [ReaderReport];
  return report;
}

async function harm(fault: (victims: Victims) => unknown, victims: Victims, seconds: number) {
  const until = monotonicMs() + seconds * 1_000;
  while (monotonicMs() < until) {
    await fault(victims);
    await sleep(FAULT_MS);
    victims.reader.kill('SIGCONT');
    victims.server.thaw();
    await victims.proxy.heal();
    await sleep(PAUSE_MS);
  }
}

/** Changes rows in their source, invalidates them, and knows when that was acknowledged. */
class Writer {
  readonly admin: Redis;
  readonly #source: Redis;
  readonly #cache: RedisCache;
  readonly #client: Redis;
  /** When each version of each row was acknowledged: `undefined` if it was not. */
  readonly #ackedAt: (number | undefined)[][] = Array.from({ length: ROWS }, () => []);

  constructor(server: RedisTestServer, source: RedisTestServer) {
    const open = ({ host, port }: RedisTestServer) => {
      const client = new Redis({ host, port, retryStrategy: () => 20 });
      client.on('error', () => undefined);
      return client;
    };
    this.admin = open(server);
    this.#client = open(server);
    this.#source = open(source);
    this.#cache = new RedisCache(this.#client, stalenessKeys);
  }

  async begin(): Promise<void> {
    for (let row = 0; row < ROWS; row++) await this.#write(row);
  }

  /** Writes as long as the work lasts. @returns how many invalidations were acknowledged */
  async during(work: () => Promise<void>): Promise<number> {
    const over = new AbortController();
    let acknowledged = 0;
    const writing = (async () => {
      for (let n = 0; !over.signal.aborted; n++) {
        if (await this.#write(n % ROWS)) acknowledged++;
        await sleep(WRITE_EVERY_MS);
      }
    })();
    await work();
    over.abort();
    await writing;
    return acknowledged;
  }

  worstMs(sights: readonly Sight[]): number {
    const ages = sights.map(([row, version, began]) => {
      const later = (this.#ackedAt[row] ?? []).slice(version + 1);
      return began - (later.find((at) => at !== undefined) ?? Infinity);
    });
    return Math.max(0, ...ages);
  }

  async close(): Promise<void> {
    await this.#cache.close();
    for (const client of [this.admin, this.#client, this.#source]) client.disconnect();
  }

  async #write(row: number): Promise<boolean> {
    const acked = this.#ackedAt[row] as (number | undefined)[];
    const version = acked.push(undefined) - 1;
    await this.#source.set(sourceOf(row), version);
    try {
      await this.#cache.invalidateTags(tagOf(row));
      acked[version] = monotonicMs();
      return true;
    } catch {
      return false;
    }
  }
}
