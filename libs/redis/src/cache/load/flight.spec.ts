import { describe, expect, it, jest } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import { KeyBuilder } from '../../keys/key-builder.js';
import { Telemetry } from '../../telemetry/telemetry.js';
import { CacheAnnouncer } from '../cache-announcer.js';
import type { CacheParts, LoadRequest } from './load-request.js';
import { resolveCacheOptions } from '../cache-policy.js';
import { Dependencies, DependencyList } from '../entry/dependencies.js';
import { LoadGate } from '../outage/load-gate.js';
import type { Ask } from '../outage/attempt.js';
import { Budget } from '../outage/budget.js';
import type { Undertaking } from '../outage/outage-guard.js';
import { Outbox } from '../outage/outbox.js';
import type { Verdict } from '../store/entry-reader.js';
import { ServerClock } from '../store/server-clock.js';
import { Flight } from './flight.js';
import { LoadTracing } from './load-tracing.js';
import { Flights } from './single-flight.js';
import { nextMoment } from './moments.js';

const MISSING: Verdict = { state: 'missing', judged: '', isBeingChanged: false };

/** A cache's parts without Redis: each answer is up to the test. */
function partsWith(replies: Record<string, unknown>, look = () => Promise.resolve(MISSING)) {
  const keys = new KeyBuilder({ app: 'a', environment: 'e' });
  const store = {
    noting: () => store,
    clock: new ServerClock(),
    acquire: () => Promise.resolve({ state: 'acquired', versions: new Map() }),
    fill: () => Promise.resolve(true),
    release: jest.fn(),
    ...replies,
  };
  return {
    client: {},
    options: resolveCacheOptions({ maxLoads: 1 }),
    dependencies: new Dependencies(keys),
    announcer: new CacheAnnouncer({
      connection: 'default',
      cache: 'default',
      telemetry: new Telemetry(),
    }),
    outbox: new Outbox(),
    gate: new LoadGate(1),
    guard: {
      attempt: (_: Undertaking, work: (ask: Ask) => unknown) => work((_key, reply) => reply),
    },
    reader: { look },
    store,
    tracing: new LoadTracing('test'),
  } as unknown as CacheParts & { store: { release: jest.Mock } };
}

function requestFor(parts: CacheParts, loader: LoadRequest['loader'], key = 'k'): LoadRequest {
  const { policy, serializer } = parts.options;
  const keys = { entry: key, lease: `{${key}}:lease` };
  return { keys, dependencies: new DependencyList([]), policy, loader, serializer };
}

function callerOf(request: LoadRequest, signal?: AbortSignal) {
  return { request, budget: new Budget(250), signal, moment: nextMoment() };
}

describe('Flight', () => {
  it('lets the event loop go on while it is asked whether it may be joined', async () => {
    const leases = [
      { state: 'held', lease: 'held' },
      { state: 'acquired', versions: new Map() },
    ];
    const parts = partsWith({
      acquire: () => Promise.resolve(leases.shift()),
      lease: () => sleep(30, null), // answered later than the entry: with another command
    });
    const request = requestFor(parts, () => 'value');
    const flight = new Flight(parts, request, new Budget(250)).load(MISSING);
    await sleep(10); // it has asked for the entry and for the holder
    const settled = flight.settled().then(() => 'answered');
    expect(await settled).toBe('answered');
    await flight.ended;
  });
});

describe('Flights', () => {
  it('gives nobody the abort of another caller', async () => {
    const parts = partsWith({});
    const flights = new Flights(parts);
    let open: () => void = () => undefined;
    const busy = flights.loadAlone(
      callerOf(
        requestFor(
          parts,
          () => new Promise<string>((resolve) => (open = () => resolve('busy'))),
          'busy',
        ),
      ),
    );
    const leaving = new AbortController();
    const request = requestFor(parts, () => 'value');
    const first = flights.loadAlone(callerOf(request, leaving.signal));
    await sleep(1);
    leaving.abort(new Error('left'));
    await expect(first).rejects.toThrow('left');
    const second = flights.loadAlone(callerOf(request));
    open();
    await busy;
    expect(await second).toMatchObject({ body: Buffer.from('"value"') });
  });

  it('lets nobody join a wait that all others have left', async () => {
    const acquire = jest.fn(
      () => Promise.resolve({ state: 'held', lease: 'held' }) as Promise<unknown>,
    );
    const parts = partsWith({ acquire, lease: () => Promise.resolve('held') });
    const flights = new Flights(parts);
    const leaving = new AbortController();
    const request = requestFor(parts, () => 'value');
    const first = flights.load(callerOf(request, leaving.signal), MISSING);
    await sleep(5);
    leaving.abort(new Error('left'));
    await expect(first).rejects.toThrow('left');
    acquire.mockResolvedValue({ state: 'acquired', versions: new Map() });
    expect(await flights.load(callerOf(request), MISSING)).toMatchObject({
      body: Buffer.from('"value"'),
    });
  });

  it('shares a load that waits for its turn', async () => {
    const parts = partsWith({});
    const flights = new Flights(parts);
    let open: () => void = () => undefined;
    const busy = flights.loadAlone(
      callerOf(
        requestFor(
          parts,
          () => new Promise<string>((resolve) => (open = () => resolve('busy'))),
          'busy',
        ),
      ),
    );
    const loader = jest.fn(() => 'value');
    const request = requestFor(parts, loader);
    const calls: Promise<unknown>[] = [];
    for (let i = 0; i < 10; i++) {
      calls.push(flights.loadAlone(callerOf(request)));
      await sleep(0);
    }
    open();
    await Promise.all([busy, ...calls]);
    expect(loader).toHaveBeenCalledTimes(1);
  });

  it('gives back a lease that comes after all', async () => {
    let answer: (lease: unknown) => void = () => undefined;
    const parts = partsWith({ acquire: () => new Promise((resolve) => (answer = resolve)) });
    const { RedisAway } = await import('../outage/waiting.js');
    const { RedisTimeoutException } = await import('../../errors/redis-timeout.exception.js');
    const away = new RedisAway(new RedisTimeoutException({ operation: 'x', timeoutMs: 1 }));
    const guard = parts.guard as unknown as { attempt: unknown };
    guard.attempt = ({ operation }: Undertaking, work: (ask: Ask) => Promise<unknown>) => {
      const done = work((_key, reply) => reply);
      return operation === 'lease' ? Promise.reject(away) : done;
    };
    const flights = new Flights(parts);
    expect(await flights.load(callerOf(requestFor(parts, () => 'value')), MISSING)).toMatchObject({
      body: Buffer.from('"value"'),
      status: 'bypass',
    });
    expect(parts.store.release).toHaveBeenCalledTimes(1);
    answer({ state: 'acquired', versions: new Map() });
    await sleep(0);
    expect(parts.store.release).toHaveBeenCalledTimes(2);
  });

  it('forgets every flight that has ended', async () => {
    const parts = partsWith({});
    const flights = new Flights(parts);
    const forget = jest.spyOn(Map.prototype, 'delete');
    const keys = Array.from({ length: 1_000 }, (_, i) => `key ${i}`);
    await Promise.all(
      keys.map((key) => flights.load(callerOf(requestFor(parts, () => 'value', key)), MISSING)),
    );
    await sleep(5);
    const forgotten = new Set(forget.mock.calls.map(([key]) => key as string));
    expect(keys.filter((key) => !forgotten.has(key))).toEqual([]);
    forget.mockRestore();
  });
});
