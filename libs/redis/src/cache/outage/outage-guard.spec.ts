import { describe, expect, it, jest } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import { connectionOf } from '../../connection/connection.js';
import type { RedisClient } from '../../connection/options/options.js';
import { RedisCommandException } from '../../errors/redis-command.exception.js';
import { RedisConfigurationException } from '../../errors/redis-configuration.exception.js';
import { RedisTimeoutException } from '../../errors/redis-timeout.exception.js';
import { Budget } from './budget.js';
import { OutageGuard } from './outage-guard.js';
import { RedisAway } from './waiting.js';

function guardOf(client: Record<string, unknown> = {}) {
  const states: string[] = [];
  const guard = new OutageGuard(
    connectionOf({ status: 'ready', options: {}, ...client } as unknown as RedisClient),
    {
      breakerThreshold: 2,
      breakerCooldownMs: 60_000,
      onBreaker: (state) => states.push(state),
      onTooFar: () => undefined,
    },
  );
  const attempt = <T>(work: () => Promise<T>, budget = new Budget(20), key = 'k') =>
    guard.attempt({ key, operation: 'read', budget, keys: [key] }, (ask) => ask(key, work()));
  return { guard, attempt, states };
}

const never = () => new Promise<never>(() => undefined);
const refused = new RedisCommandException({ reply: 'ERR', operation: 'x' });

async function awayBecause(promise: Promise<unknown>): Promise<Error> {
  const away = await promise.catch((error: unknown) => error);
  expect(away).toBeInstanceOf(RedisAway);
  return (away as RedisAway).error;
}

describe('OutageGuard', () => {
  it.each(['connecting', 'connect', 'reconnecting', 'close', 'end'])(
    'sends nothing over a connection that is in the state %s',
    async (status) => {
      const { attempt, states } = guardOf({ status });
      const work = jest.fn(never);
      for (let i = 0; i < 5; i++) {
        expect(await awayBecause(attempt(work))).toMatchObject({
          name: 'RedisConnectionException',
        });
      }
      expect([work.mock.calls.length, states]).toEqual([0, []]);
    },
  );

  it('lets the first command connect a client that was not told to', async () => {
    const { attempt } = guardOf({ status: 'wait' });
    expect(await attempt(() => Promise.resolve(1))).toBe(1);
  });

  it('waits no longer than the budget, which all commands of a call share', async () => {
    const { attempt } = guardOf();
    const budget = new Budget(500);
    await attempt(() => sleep(300), budget);
    expect(budget.leftMs).toBeLessThan(250);
    const away = awayBecause(attempt(never, budget));
    // It would take 500 ms if they did not. Timers keep their order on a busy machine.
    const late = sleep(450).then(() => sleep(0, 'late'));
    expect(await Promise.race([away, late])).toMatchObject({
      name: 'RedisTimeoutException',
      operation: 'cache read',
      key: 'k',
      timeoutMs: 500,
    });
    expect(budget.isSpent).toBe(true);
  });

  it('sends nothing for a budget that is spent, and does not count that as a failure', async () => {
    const { attempt, states } = guardOf();
    const budget = new Budget(0);
    const work = jest.fn(never);
    for (let i = 0; i < 5; i++) await awayBecause(attempt(work, budget));
    expect([work.mock.calls.length, states]).toEqual([0, []]);
  });

  it('gives a server all of the time that the caller began with, though that waits no longer', async () => {
    const { attempt, states } = guardOf();
    const answers: ((reply: unknown) => void)[] = [];
    for (let i = 0; i < 5; i++) {
      const budget = new Budget(60_000);
      budget.leftMs = 5;
      const work = () => new Promise((resolve) => answers.push(resolve));
      expect(await awayBecause(attempt(work, budget))).toBeInstanceOf(RedisTimeoutException);
    }
    for (const answer of answers) answer('late, and in time for the server');
    await sleep(0);
    expect(states).toEqual([]);
    expect(await attempt(() => Promise.resolve(1))).toBe(1);
  });

  it('ignores what comes after the budget', async () => {
    const { attempt } = guardOf();
    let fail!: (error: Error) => void;
    const late = attempt(() => new Promise((_, reject) => (fail = reject)));
    expect(await awayBecause(late)).toBeInstanceOf(RedisTimeoutException);
    fail(new Error('late'));
    await sleep(0);
  });

  it('looks at a reply that is here before it takes it for late', async () => {
    const { attempt } = guardOf();
    const reply = attempt(() => new Promise((resolve) => setTimeout(resolve, 25, 'here')));
    for (const until = performance.now() + 60; performance.now() < until;);
    expect(await reply).toBe('here');
  });

  it('leaves a server alone after failures, but not after a refused command', async () => {
    const { attempt, states } = guardOf();
    await awayBecause(attempt(never));
    expect(await awayBecause(attempt(() => Promise.reject(refused)))).toBe(refused);
    await awayBecause(attempt(never));
    expect(states).toEqual([]);
    await awayBecause(attempt(never));
    const work = jest.fn(never);
    expect(await awayBecause(attempt(work))).toBeInstanceOf(RedisTimeoutException);
    expect([work.mock.calls.length, states]).toEqual([0, ['open']]);
  });

  it('sends nevertheless what has to be sent, and notices that it worked', async () => {
    const { guard, attempt, states } = guardOf();
    await Promise.all([awayBecause(attempt(never)), awayBecause(attempt(never))]);
    const task = { key: 'k', operation: 'delete', budget: new Budget(20) };
    const insisted = guard.insist(task, (ask) => ask('k', Promise.resolve('sent')));
    expect(await insisted).toBe('sent');
    expect(states).toEqual(['open', 'closed']);
    expect(await attempt(() => Promise.resolve(1))).toBe(1);
  });

  it('has a breaker for each server of a cluster', async () => {
    const slots = Array.from({ length: 16_384 }, (_, slot) => [slot < 8_192 ? 'one:1' : 'other:1']);
    const { attempt } = guardOf({ nodes: () => [], slots });
    const [one, other] = ['b', 'a']; // slots 3300 and 15495
    for (let i = 0; i < 2; i++) await awayBecause(attempt(never, new Budget(20), one));
    await awayBecause(attempt(() => Promise.resolve(1), new Budget(20), one));
    expect(await attempt(() => Promise.resolve(1), new Budget(20), other)).toBe(1);
  });

  it('passes on what is a mistake in the program', async () => {
    const { attempt, states } = guardOf();
    const wrong = new RedisConfigurationException([{ setting: 'dependsOn', accepted: 'less' }]);
    for (const mistake of [new TypeError('a bug'), wrong]) {
      for (let i = 0; i < 3; i++) {
        await expect(attempt(() => Promise.reject(mistake))).rejects.toBe(mistake);
      }
    }
    expect(states).toEqual([]);
  });
});
