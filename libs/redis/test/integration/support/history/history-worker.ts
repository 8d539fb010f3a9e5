import type { MessagePort } from 'node:worker_threads';
import { setTimeout as sleep } from 'node:timers/promises';
import { Cluster, Redis } from 'ioredis';
import { RedisCache } from '../../../../src/cache/redis-cache.js';
import type { RedisClient } from '../../../../src/connection/options/options.js';
import { Telemetry } from '../../../../src/telemetry/telemetry.js';
import { openConnection } from '../open-connection.js';
import { pickFrom, randomNumbers } from '../random.js';
import { ALL_KEYS, historyKeys } from './history-keys.js';
import { HistoryCaller, type Violation } from './history-caller.js';
import { HistoryWriter } from './history-writer.js';
import { Phase, SharedState } from './shared-state.js';

export interface WorkerData {
  readonly memory: SharedArrayBuffer;
  readonly worker: number;
  readonly workers: number;
  readonly seed: number;
  /** Where each node of the server is reached: in the first way by proxy, in the second straight. */
  readonly proxies: readonly { readonly host: string; readonly port: number }[];
  readonly nodes: readonly { readonly host: string; readonly port: number }[];
}

export type WorkerMessage =
  | { readonly type: 'violation'; readonly violation: Violation }
  | { readonly type: 'ready' }
  | { readonly type: 'final' };

const CALLERS = 12;

/**
 * One thread of a history, with an event loop, a clock and connections of its own: it reads, writes and
 * invalidates at random until it is told to stop.
 */
export async function runWorker(data: WorkerData, port: MessagePort): Promise<void> {
  const state = new SharedState(data.memory);
  const random = randomNumbers(data.seed);
  jumpingClock(random);
  const post = (message: WorkerMessage) => port.postMessage(message);
  const report = (violation: Violation) => post({ type: 'violation', violation });
  const { straight, caches, close } = await connect(data, state);
  const { worker, workers } = data;
  const caller = new HistoryCaller({ state, worker, random, redis: straight, report });
  const writer = new HistoryWriter({ state, worker, workers, random, redis: straight });

  const live = async () => {
    for (;;) {
      const { phase } = state;
      if (phase === Phase.settle) await sleep(5);
      else if (phase >= Phase.final) return;
      else await act(phase === Phase.calm);
    }
  };
  const act = async (isCalm: boolean) => {
    const cache = pickFrom(random, caches);
    state.callBegins(worker);
    try {
      const luck = random();
      if (luck < 0.15) await writer.write(cache, isCalm);
      else if (luck < 0.3) {
        const { kind } = pickFrom(random, ALL_KEYS);
        const keys = ALL_KEYS.filter((key) => key.kind === kind && random() < 0.7);
        await caller.readAll(cache, keys, isCalm);
      } else {
        const key = pickFrom(random, ALL_KEYS);
        const times = random() < 0.5 ? 1 : 1 + Math.floor(random() * 12);
        await Promise.all(Array.from({ length: times }, () => caller.read(cache, key, isCalm)));
        if (random() < 0.02) await sleep(random() * 20); // or the threads would keep in step
      }
    } finally {
      state.callEnds(worker);
    }
  };
  post({ type: 'ready' });
  await Promise.all(Array.from({ length: CALLERS }, live));
  await writer.writeForTheLastTime(caches[0] as RedisCache);
  post({ type: 'final' });
  await new Promise<void>((resolve) => {
    port.once('message', () => resolve()); // all threads have written for the last time
  });
  for (const cache of caches) {
    for (const key of ALL_KEYS) await caller.expectNewest(cache, key);
  }
  await close();
  port.close();
}

async function connect({ proxies, nodes }: WorkerData, state: SharedState) {
  const telemetry = new Telemetry();
  telemetry.subscribe({
    'cache.failure': ({ key }) => state.redisWasAway(Number(historyKeys.parse(key)?.parts.at(-1))),
  });
  const isCluster = nodes.length > 1;
  const natMap = Object.fromEntries(
    nodes.map(({ host, port }, i) => [`${host}:${port}`, proxies[i] as (typeof proxies)[number]]),
  );
  const [proxy] = proxies;
  const [node] = nodes;
  if (!proxy || !node) throw new Error('there is no server');
  const supervised = await openConnection(
    isCluster
      ? { clusterNodes: proxies, ioredisCluster: { natMap } }
      : { host: proxy.host, port: proxy.port },
  );
  // As ioredis does it by itself: what was sent and not answered is sent again, for ever.
  const patient = { maxRetriesPerRequest: null, retryStrategy: () => 20 };
  const plain: RedisClient = isCluster
    ? new Cluster([...proxies], { natMap, redisOptions: patient, clusterRetryStrategy: () => 20 })
    : new Redis({ ...proxy, ...patient });
  const straight = isCluster ? new Cluster([...nodes]) : new Redis({ ...node, ...patient });
  for (const client of [plain, straight]) {
    client.on('error', () => undefined);
    client.on('+node', toleratesBrokenAsking);
  }
  const policy = { ttl: '3s', timeout: '250ms', loadTimeout: '400ms', negativeTtl: '1s' } as const;
  const options = { ...policy, breakerCooldown: '100ms' } as const;
  return {
    straight: straight as Redis,
    caches: [supervised.client, plain].map(
      (client) => new RedisCache(client, historyKeys, options, { telemetry }),
    ),
    close: async () => {
      plain.disconnect();
      straight.disconnect();
      await supervised.close();
    },
  };
}

/** ioredis sends ASKING with a redirected command and ignores it: also that it was rejected. */
function toleratesBrokenAsking(node: Redis): void {
  const asking = node.asking.bind(node);
  node.asking = () => {
    const asked = asking();
    asked.catch(() => undefined);
    return asked;
  };
}

/** The wall clock of this thread is wrong, and now and then wrong in another way. */
function jumpingClock(random: () => number): void {
  const now = Date.now.bind(Date);
  let offset = 0;
  setInterval(() => {
    offset = Math.round((random() - 0.5) * 86_400_000);
  }, 50).unref();
  Date.now = () => now() + offset;
}
