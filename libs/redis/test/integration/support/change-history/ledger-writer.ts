import { AsyncLocalStorage } from 'node:async_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'ioredis';
import { RedisCache } from '../../../../src/cache/redis-cache.js';
import type { RedisClient } from '../../../../src/connection/options/options.js';
import { jumpingClock } from '../history/jumping-clock.js';
import { openClients, type Addresses } from '../history/open-clients.js';
import { randomNumbers } from '../random.js';
import type { ChangeJob, Stop, WriterOrder, WriterReport } from './change-job.js';
import { ledgerKeys } from './ledger-entry.js';

const POLICY = { timeout: '1s', breakerCooldown: '100ms' } as const;
/** How often the process looks whether it runs. */
const PULSE_MS = 20;

class WorkFailure extends Error {}

/** The change that a command belongs to. */
const current = new AsyncLocalStorage<Change>();

/** A process that makes the changes it is told to, until it is killed. */
export async function runWriter(
  addresses: Addresses,
  seed: number,
  announcedMs: number,
): Promise<void> {
  jumpingClock(randomNumbers(seed));
  process.once('disconnect', () => process.exit());
  const { supervised, plain } = await openClients(addresses);
  const caches = [supervised, plain].flatMap((client) => {
    watch(client);
    return (['closed', 'open'] as const).map(
      (onOutage) =>
        new RedisCache(client, ledgerKeys, { ...POLICY, changeTtl: `${announcedMs}ms`, onOutage }),
    );
  });
  const pulse = new Pulse();
  const changes = new Map<number, Change>();
  process.on('message', (order: WriterOrder) => {
    if (order.type === 'committed') {
      changes.get(order.id)?.committed();
      return;
    }
    const { job } = order;
    const change = new Change(job, caches[job.cache] as RedisCache, pulse);
    changes.set(job.id, change);
    void current.run(change, () => change.run()).then(() => changes.delete(job.id));
  });
  report({ type: 'ready' });
}

class Change {
  committed: () => void = () => undefined;
  #step: 'announces' | 'works' | 'releases' = 'announces';
  #commands = 0;
  #isStopped = false;
  readonly #startedAt = performance.now();
  readonly #acknowledged = new Set<string>();

  constructor(
    readonly job: ChangeJob,
    readonly cache: RedisCache,
    readonly pulse: Pulse,
  ) {}

  async run(): Promise<void> {
    const { id, manner, targets } = this.job;
    await this.#mayStop('before it announces');
    let isResolved = true;
    try {
      if (manner === 'change') await this.cache.change(targets, () => this.#work());
      else await this.#invalidateAfter();
    } catch {
      isResolved = false;
    }
    const isReleased = this.#hasAcknowledged(); // it may resolve before: the announcement stands
    await this.#mayStop('after it has released');
    report({ type: 'ended', id, isResolved, isReleased });
  }

  /** Whether its commands are to be sent. */
  get isStopped(): boolean {
    return this.#isStopped;
  }

  /** @returns whether its caller shall hear nothing of it */
  sent(command: Command, reply: Promise<unknown>): boolean {
    const { stop, stopAfter } = this.job;
    const step = this.#step;
    void reply.then(
      () => {
        if (step !== this.#step || step === 'works') return;
        for (const key of keysOf(command)) this.#acknowledged.add(key);
      },
      () => undefined,
    );
    const isHere =
      (step === 'announces' && stop === 'while it announces') ||
      (step === 'releases' && stop === 'while it releases');
    if (!isHere || this.#commands++ < stopAfter) return false;
    this.#stop();
    return true;
  }

  async #work(): Promise<void> {
    const { id, lingerMs, throws, workMs } = this.job;
    this.#step = 'works';
    const isAnnounced = this.#hasAcknowledged();
    await sleep(workMs);
    await this.#mayStop('before it commits');
    const stalledMs = this.pulse.longestPauseSince(this.#startedAt);
    const committed = new Promise<void>((resolve) => {
      this.committed = resolve;
    });
    report({ type: 'commit', id, isAnnounced, stalledMs });
    await committed;
    await sleep(lingerMs);
    await this.#mayStop('before it releases');
    this.#step = 'releases';
    this.#acknowledged.clear();
    if (throws) throw new WorkFailure('although it has committed');
  }

  async #invalidateAfter(): Promise<void> {
    const { tags, keys } = this.job.targets;
    await this.#work();
    await this.cache.invalidateTags(...tags);
    for (const key of keys) await this.cache.delete(key);
  }

  /** Whether Redis has acknowledged this step for all that is changed. */
  #hasAcknowledged(): boolean {
    return this.job.writes.every((key) => this.#acknowledged.has(key));
  }

  async #mayStop(here: Stop): Promise<void> {
    if (this.job.stop !== here) return;
    this.#stop();
    await NEVER;
  }

  #stop(): void {
    this.#isStopped = true;
    report({ type: 'stopped', id: this.job.id });
  }
}

/** Sees each command of a change, and lets none pass when that shall not go on. */
function watch(client: RedisClient): void {
  const send = client.sendCommand.bind(client);
  client.sendCommand = (command: Command, ...rest: never[]) => {
    const change = current.getStore();
    if (change?.isStopped) return NEVER;
    const reply = send(command, ...rest) as Promise<unknown>;
    return change?.sent(command, reply) ? NEVER : reply;
  };
}

const NEVER = new Promise<never>(() => undefined);

function keysOf({ name, args }: Command): string[] {
  if (name !== 'evalsha' && name !== 'eval') return args.map(String);
  return args.slice(2, 2 + Number(args[1])).map(String);
}

/** Notices when the process did not run: it was stopped, or the machine is busy. */
class Pulse {
  readonly #pauses: { readonly until: number; readonly ms: number }[] = [];
  #last = performance.now();

  constructor() {
    setInterval(() => {
      const now = performance.now();
      const ms = now - this.#last;
      if (ms > 5 * PULSE_MS) this.#pauses.push({ until: now, ms });
      if (this.#pauses.length > 100) this.#pauses.shift();
      this.#last = now;
    }, PULSE_MS);
  }

  longestPauseSince(time: number): number {
    const pauses = this.#pauses.filter(({ until }) => until > time).map(({ ms }) => ms);
    return Math.max(performance.now() - this.#last, ...pauses);
  }
}

function report(message: WriterReport): void {
  process.send?.(message);
}
