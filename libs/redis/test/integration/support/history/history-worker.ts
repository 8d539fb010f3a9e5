import type { MessagePort } from 'node:worker_threads';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import type { RedisCacheOptions } from '../../../../src/cache/cache-options.js';
import { Telemetry } from '../../../../src/telemetry/telemetry.js';
import { pickFrom, randomNumbers } from '../random.js';
import { HistoryCache, HistoryConnection } from './history-cache.js';
import { ALL_KEYS, historyKeys } from './history-keys.js';
import { HistoryCaller, type Violation } from './history-caller.js';
import { HistoryWriter } from './history-writer.js';
import { jumpingClock } from './jumping-clock.js';
import { openClients, type Address } from './open-clients.js';
import { Phase, SharedState } from './shared-state.js';

export interface WorkerData {
  readonly memory: SharedArrayBuffer;
  readonly worker: number;
  readonly workers: number;
  readonly seed: number;
  /** Where each node of the server is reached: in the first way by proxy, in the second straight. */
  readonly proxies: readonly Address[];
  readonly nodes: readonly Address[];
  /** Whether caches have near copies. */
  readonly near: boolean;
}

export type WorkerMessage =
  | { readonly type: 'violation'; readonly violation: Violation }
  | { readonly type: 'ready' }
  | { readonly type: 'final' };

const CALLERS = 12;

/** The near copies of a thread: two on its supervised connection, two on its plain one, and two caches without. */
const NEAR: readonly [supervised: readonly Near[], plain: readonly Near[]] = [
  [{ maxBytes: 2 ** 20, staleness: '100ms' }, false],
  [
    { maxBytes: 2 ** 20, staleness: '500ms', shared: 'frozen' },
    { maxBytes: 65_536, staleness: '250ms' }, // not enough for all entries
  ],
];
type Near = NonNullable<RedisCacheOptions['near']>;

/** A thread that stands still does so at any moment between two events. */
const LOOK_FOR_PAUSES_MS = 5;

/** Entries that a near copy keeps for a while. */
const NEAR_KEYS = ALL_KEYS.filter(({ kind }) => !['foreign', 'read', 'stale'].includes(kind));

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
  const { worker, workers, near } = data;
  const caller = new HistoryCaller({ state, worker, random, redis: straight, report });
  const writer = new HistoryWriter({ state, worker, workers, near, random, redis: straight });

  const live = async (act: (isCalm: boolean) => Promise<void>) => {
    for (;;) {
      const { phase } = state;
      if (phase === Phase.settle) await sleep(5);
      else if (phase >= Phase.final) return;
      else await act(phase === Phase.calm);
    }
  };
  const write = async (isCalm: boolean) => {
    state.callBegins(worker);
    await writer.write(pickFrom(random, caches), isCalm);
    state.callEnds(worker);
    await sleep(random() * 40);
  };
  const act = async (isCalm: boolean) => {
    const cache = pickFrom(random, caches);
    state.callBegins(worker);
    try {
      const luck = random();
      if (luck < 0.15) await writer.write(cache, isCalm);
      else if (data.near && luck < 0.85) await readMany(cache, isCalm);
      else if (luck < (data.near ? 0.9 : 0.3)) {
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
  /** Reads a few entries again and again, mostly from the near copy, and hears what is pushed meanwhile. */
  const readMany = async (cache: HistoryCache, isCalm: boolean) => {
    const keys = Array.from({ length: 4 }, () => pickFrom(random, NEAR_KEYS));
    for (let n = 0, far = 0; n < 12_000 && far < 24; n++) {
      if (!(await caller.read(cache, pickFrom(random, keys), isCalm))) far++;
      if (n % 10 === 0) await nextTurn();
    }
  };
  setInterval(() => state.standStill(worker), LOOK_FOR_PAUSES_MS).unref();
  post({ type: 'ready' });
  // Where the others mostly read from near copies, one writes all the time.
  const writing = data.near && live(write);
  await Promise.all([writing, ...Array.from({ length: CALLERS }, () => live(act))]);
  await writer.writeForTheLastTime(caches[0] as HistoryCache);
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

async function connect({ proxies, nodes, near }: WorkerData, state: SharedState) {
  const telemetry = new Telemetry();
  telemetry.subscribe({
    'cache.failure': ({ key }) => state.redisWasAway(Number(historyKeys.parse(key)?.parts.at(-1))),
  });
  const { supervised, plain, straight, close } = await openClients({ proxies, nodes });
  const policy = { ttl: '3s', timeout: '250ms', loadTimeout: '400ms', negativeTtl: '1s' } as const;
  const options = { ...policy, breakerCooldown: '100ms' } as const;
  const connections = [new HistoryConnection(supervised), new HistoryConnection(plain)];
  for (const key of ALL_KEYS) {
    key.dependency = connections[0]?.notes.dependencyOn(String(key.index));
  }
  const caches = connections.flatMap((connection, i) =>
    (near ? (NEAR[i] as readonly Near[]) : [false as const]).map(
      (near) => new HistoryCache(connection, { ...options, near, outbox: i === 1 }, telemetry),
    ),
  );
  return {
    straight: straight as Redis,
    caches,
    close: async () => {
      await Promise.all(caches.map(({ cache }) => cache.close()));
      await close();
    },
  };
}
