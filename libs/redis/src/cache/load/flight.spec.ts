import { describe, expect, it, jest } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import { RedisTimeoutException } from '../../errors/redis-timeout.exception.js';
import { KeyBuilder } from '../../keys/key-builder.js';
import { Telemetry } from '../../telemetry/telemetry.js';
import { CacheAnnouncer } from '../cache-announcer.js';
import { resolveCacheOptions } from '../cache-policy.js';
import { Dependencies, DependencyList } from '../entry/dependencies.js';
import { Budget } from '../outage/budget.js';
import { LoadGate } from '../outage/load-gate.js';
import type { Undertaking } from '../outage/outage-guard.js';
import { Outbox } from '../outage/outbox.js';
import type { ClaimAnswer } from '../store/claim-command.js';
import type { CacheStore } from '../store/cache-store.js';
import type { EntryReader, Verdict } from '../store/entry-reader.js';
import { ServerClock } from '../store/server-clock.js';
import { Flight, type FlightParts } from './flight.js';
import { Lease } from './lease.js';
import type { LoadRequest } from './load-request.js';
import { LoadTracing } from './load-tracing.js';
import type { PendingClaim } from './pending-claim.js';
import type { PendingFill } from './pending-fill.js';
import { nextMoment } from './progress.js';
import { LoaderRunner } from './run-loader.js';
import { Flights } from './single-flight.js';

const MISSING: Verdict = { state: 'missing', judged: '', isBeingChanged: false };

const { policy, serializer } = resolveCacheOptions({});

/** The parts of flights, without Redis: the test decides each answer. */
function partsWith(replies: Record<string, unknown>, look = () => Promise.resolve(MISSING)) {
  const release = jest.fn();
  const store = {
    attempt: (_: Undertaking, work: (one: unknown) => Promise<unknown>) => work(store),
    clock: new ServerClock(),
    claim: (claim: PendingClaim) => {
      claim.answered('acquired', new Map());
    },
    fill: (fill: PendingFill) => {
      fill.answered(true);
    },
    release,
    ...replies,
  };
  const dependencies = new Dependencies(new KeyBuilder({ app: 'a', environment: 'e' }));
  const where = { connection: 'default', cache: 'default' };
  const announcer = new CacheAnnouncer({ ...where, telemetry: new Telemetry() });
  const parts: FlightParts = {
    client: {},
    onOutage: 'open',
    reader: { look } as unknown as EntryReader,
    leaseFor: (request) =>
      new Lease(request, store as unknown as CacheStore, dependencies, new Outbox(), announcer),
    loaders: new LoaderRunner(dependencies, announcer),
    gate: new LoadGate(1),
    clock: store.clock,
    announcer,
    tracing: new LoadTracing('test'),
  };
  return { parts, store, release };
}

function requestFor(loader: LoadRequest['loader'], key = 'k'): LoadRequest {
  const keys = { entry: key, lease: `{${key}}:lease` };
  return { keys, dependencies: new DependencyList([]), policy, loader, serializer };
}

function callerOf(request: LoadRequest, signal?: AbortSignal) {
  return { request, budget: new Budget(250), signal, moment: nextMoment() };
}

describe('Flight', () => {
  it('lets the event loop go on while it is asked whether it may be joined', async () => {
    const answers: ClaimAnswer[] = [['held'], 'acquired'];
    const { parts } = partsWith({
      claim: (claim: PendingClaim) => {
        claim.answered(answers.shift() ?? 'acquired', new Map());
      },
      lease: () => sleep(30, null), // answered later than the entry: with another command
    });
    const request = requestFor(() => 'value');
    const flight = new Flight(parts, request, new Budget(250)).load(MISSING);
    await sleep(10); // it has asked for the entry and for the holder
    const settled = flight.progress.settled().then(() => 'answered');
    expect(await settled).toBe('answered');
    await flight.ended;
  });
});

describe('Flights', () => {
  it('gives no caller the abort of another caller', async () => {
    const { parts } = partsWith({});
    const flights = new Flights(parts);
    let open: () => void = () => undefined;
    const busy = flights.loadAlone(
      callerOf(
        requestFor(() => new Promise<string>((resolve) => (open = () => resolve('busy'))), 'busy'),
      ),
    );
    const leaving = new AbortController();
    const request = requestFor(() => 'value');
    const first = flights.loadAlone(callerOf(request, leaving.signal));
    await sleep(1);
    leaving.abort(new Error('left'));
    await expect(first).rejects.toThrow('left');
    const second = flights.loadAlone(callerOf(request));
    open();
    await busy;
    expect(await second).toMatchObject({ body: Buffer.from('"value"') });
  });

  it('lets no caller join a wait that all others have left', async () => {
    let answer: ClaimAnswer = ['held'];
    const claim = (claim: PendingClaim) => {
      claim.answered(answer, new Map());
    };
    const { parts } = partsWith({ claim, lease: () => Promise.resolve('held') });
    const flights = new Flights(parts);
    const leaving = new AbortController();
    const request = requestFor(() => 'value');
    const first = flights.load(callerOf(request, leaving.signal), MISSING);
    await sleep(5);
    leaving.abort(new Error('left'));
    await expect(first).rejects.toThrow('left');
    answer = 'acquired';
    expect(await flights.load(callerOf(request), MISSING)).toMatchObject({
      body: Buffer.from('"value"'),
    });
  });

  it('shares a load that waits for its turn', async () => {
    const { parts } = partsWith({});
    const flights = new Flights(parts);
    let open: () => void = () => undefined;
    const busy = flights.loadAlone(
      callerOf(
        requestFor(() => new Promise<string>((resolve) => (open = () => resolve('busy'))), 'busy'),
      ),
    );
    const loader = jest.fn(() => 'value');
    const request = requestFor(loader);
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
    const claims: PendingClaim[] = [];
    const { parts, release } = partsWith({
      claim: (claim: PendingClaim) => {
        claims.push(claim);
        claim.failed(new RedisTimeoutException({ operation: 'x', timeoutMs: 1 }));
      },
    });
    const flights = new Flights(parts);
    expect(await flights.load(callerOf(requestFor(() => 'value')), MISSING)).toMatchObject({
      body: Buffer.from('"value"'),
      status: 'bypass',
    });
    expect(release).toHaveBeenCalledTimes(1);
    claims[0]?.answered('acquired', new Map());
    expect(release).toHaveBeenCalledTimes(2);
  });

  it('forgets every flight that has ended', async () => {
    const { parts } = partsWith({});
    const flights = new Flights(parts);
    const forget = jest.spyOn(Map.prototype, 'delete');
    const keys = Array.from({ length: 1_000 }, (_, i) => `key ${i}`);
    await Promise.all(
      keys.map((key) => flights.load(callerOf(requestFor(() => 'value', key)), MISSING)),
    );
    await sleep(5);
    const forgotten = new Set(forget.mock.calls.map(([key]) => key as string));
    expect(keys.filter((key) => !forgotten.has(key))).toEqual([]);
    forget.mockRestore();
  });
});
