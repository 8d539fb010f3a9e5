import { AsyncLocalStorage } from 'node:async_hooks';
import { setImmediate as nextTurn } from 'node:timers/promises';

import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';

import { RequestQueue } from './request-queue.js';

const MAX_QUEUE_TIME_MS = 10;

/** How long the work of one request takes in these tests, in milliseconds. */
const WORK_MS = 0.5;

let now: number;

beforeEach(() => {
  now = 0;
  jest.spyOn(performance, 'now').mockImplementation(() => now);
});

afterEach(() => {
  jest.restoreAllMocks();
});

interface Work {
  begin(): unknown;
  isGone(): boolean;
}

/** A queue, and what became of each request that entered it. */
function queueFor({ maxInFlight = 1_000 } = {}) {
  const queue = new RequestQueue({ maxInFlight, maxQueueTimeMs: MAX_QUEUE_TIME_MS });
  const waits: number[] = [];
  const begun: number[] = [];
  const refused: number[] = [];
  let count = 0;
  const enter = ({ isGone = () => false, begin = () => undefined }: Partial<Work> = {}) => {
    const number = count++;
    const since = now;
    queue.enter({
      begin: () => {
        begun.push(number);
        waits.push(now - since);
        now += WORK_MS;
        begin();
      },
      refuse: () => refused.push(number),
      isGone,
    });
  };
  const crowd = (size: number) => {
    for (let i = 0; i < size; i++) enter();
  };
  return { queue, enter, crowd, begun, refused, waits };
}

/** Twice what can be done: while one request is worked on, two arrive. */
async function overload({ crowd }: ReturnType<typeof queueFor>, forMs: number): Promise<void> {
  const end = now + forMs;
  let arrived = now;
  while (now < end) {
    const arrivals = Math.floor((2 * (now - arrived)) / WORK_MS);
    arrived += (arrivals * WORK_MS) / 2;
    if (arrivals === 0) now += WORK_MS;
    crowd(arrivals);
    await nextTurn();
  }
}

async function untilEmpty(turns = 2_000): Promise<void> {
  for (let i = 0; i < turns; i++) await nextTurn();
}

describe('RequestQueue', () => {
  it('begins eight at once, and the rest in later turns, in order', async () => {
    const { crowd, begun } = queueFor();

    crowd(20);
    const atOnce = begun.length;
    await untilEmpty();

    expect(atOnce).toBe(8);
    expect(begun).toEqual(Array.from({ length: 20 }, (_, i) => i));
  });

  it('lets a burst wait for its turn, however long that takes', async () => {
    const { crowd, begun, refused } = queueFor();
    now += 10_000;

    crowd(256);
    now += 3_000; // one of them computed for so long
    await untilEmpty();

    expect(begun).toHaveLength(256);
    expect(refused).toEqual([]);
  });

  it('refuses requests that would wait for too long in an overload, and begins the others', async () => {
    const stage = queueFor();
    await overload(stage, 500);
    expect(stage.queue.isOverloaded).toBe(true);
    stage.waits.length = 0;
    const { length: refusedBefore } = stage.refused;

    await overload(stage, 1_000);

    const possible = 1_000 / WORK_MS;
    expect(stage.waits.length).toBeGreaterThan(0.9 * possible);
    expect(Math.max(...stage.waits)).toBeLessThanOrEqual(MAX_QUEUE_TIME_MS);
    expect(stage.refused.length - refusedBefore).toBeGreaterThan(0.8 * possible);
  });

  it('is calm again a second after an overload, and lets bursts wait', async () => {
    const stage = queueFor();
    await overload(stage, 500);
    await untilEmpty();
    now += 1_001;
    const { length: refusedBefore } = stage.refused;

    stage.crowd(100);
    await untilEmpty();

    expect(stage.queue.isOverloaded).toBe(false);
    expect(stage.refused).toHaveLength(refusedBefore);
  });

  it('begins nothing while as many requests as allowed are running, and goes on when one ends', async () => {
    const { queue, enter, begun } = queueFor({ maxInFlight: 1 });
    const occupy = () => {
      queue.occupy();
    };
    enter({ begin: occupy });
    enter({ begin: occupy });
    await untilEmpty(10);
    expect(begun).toEqual([0]);

    queue.release();
    await untilEmpty(10);

    expect(begun).toEqual([0, 1]);
  });

  it('refuses a request that gets no place in time', async () => {
    const { queue, enter, refused } = queueFor({ maxInFlight: 1 });
    queue.occupy();
    const isRefused = new Promise<void>((resolve) => {
      const watch = setInterval(() => {
        now += 50;
        if (refused.length === 0) return;
        clearInterval(watch);
        resolve();
      }, 1);
    });

    enter();
    await isRefused;

    expect(refused).toEqual([0]);
    expect(queue.isOverloaded).toBe(true);
  });

  it('forgets a caller that has left', async () => {
    const { crowd, enter, begun, refused } = queueFor();
    crowd(8);
    enter({ isGone: () => true });
    enter();
    await untilEmpty(10);

    expect(begun).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 9]);
    expect(refused).toEqual([]);
  });

  it('begins nothing more in a turn that accepts a connection: others may wait to be accepted', async () => {
    const { queue, crowd, begun } = queueFor();

    queue.makeWay();
    crowd(3);

    expect(begun).toEqual([]);
    await untilEmpty(10);
    expect(begun).toEqual([0, 1, 2]);
  });

  it('begins each request in its own asynchronous context', async () => {
    const storage = new AsyncLocalStorage<number>();
    const { enter } = queueFor();
    const contexts: unknown[] = [];

    for (let i = 0; i < 20; i++) {
      storage.run(i, () => {
        enter({ begin: () => contexts.push(storage.getStore()) });
      });
    }
    await untilEmpty();

    expect(contexts).toEqual(Array.from({ length: 20 }, (_, i) => i));
  });
});
