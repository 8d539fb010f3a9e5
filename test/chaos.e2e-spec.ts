/**
 * The short version of `npm run chaos`: the API in two processes, under traffic, while Redis fails. What an
 * oracle compares with all that was asked and acknowledged is in test/chaos.
 */
import { afterAll, beforeAll, expect, it } from '@jest/globals';

import { ask } from './chaos/ask.js';
import { faults, type Fault } from './chaos/faults.js';
import type { Findings } from './chaos/oracle.js';
import { Stand } from './chaos/stand.js';
import { describeWithRealRedis } from './support/real-redis.js';

/** Another one each day; CHAOS_SEED repeats one. */
const seed = Number(process.env['CHAOS_SEED'] ?? Math.floor(Date.now() / 86_400_000));

describeWithRealRedis(`users API in chaos (CHAOS_SEED=${seed})`, () => {
  const stands: Stand[] = [];
  let found: Record<'lost link' | 'writes undone' | 'failover' | 'death', Findings>;

  beforeAll(async () => {
    const [one, cluster] = await Promise.all([Stand.start('standalone'), Stand.start('cluster')]);
    stands.push(one, cluster);
    const [[lostLink, writesUndone], [failover, death]] = await Promise.all([
      inTurn(one, faults['half-open'], WRITES_UNDONE),
      inTurn(cluster, faults.failover, faults.kill),
    ]);
    found = { 'lost link': lostLink, 'writes undone': writesUndone, failover, death };
  }, 120_000);

  afterAll(() => Promise.all(stands.map((stand) => stand.stop())));

  it('keeps every promise when a link is lost and neither end is told', () => {
    expect(found['lost link']).toMatchObject({ violations: [], lost: 0 });
  });

  it('keeps every promise when a replica takes the place of a primary', () => {
    expect(found.failover).toMatchObject({ violations: [], lost: 0 });
  });

  it('keeps every promise when a primary dies, is replaced and comes back', () => {
    expect(found.death.violations).toEqual([]);
  });

  it('would notice if acknowledged writes were undone', () => {
    const kinds = found['writes undone'].violations.map(({ kind }) => kind);
    expect(kinds).toContain('lost write');
    expect(kinds).toContain('stale read');
  });

  it('has seen traffic all the time', () => {
    for (const { answers } of Object.values(found)) expect(answers).toBeGreaterThan(50);
  });
});

async function inTurn(stand: Stand, first: Fault, second: Fault): Promise<[Findings, Findings]> {
  return [await stand.suffer(first, 'first', seed), await stand.suffer(second, 'second', seed)];
}

const KEEP = `
  for _, key in ipairs(redis.call('KEYS', 'user:*')) do redis.call('COPY', key, 'kept:' .. key) end`;
const PUT_BACK = `
  for _, key in ipairs(redis.call('KEYS', 'kept:*')) do
    redis.call('COPY', key, string.sub(key, 6), 'REPLACE')
  end`;

/** Users become what they were half a second ago. */
const WRITES_UNDONE: Fault = {
  what: 'acknowledged writes are undone',
  on: ['standalone'],
  refuses: 'nothing',
  loses: () => 'none',
  run: async ({ topology, isOver }) => {
    const [primary] = await topology.primaries();
    if (primary === undefined) return;
    await ask(primary.server, 'EVAL', KEEP, '0');
    await new Promise((resolve) => setTimeout(resolve, 500));
    await ask(primary.server, 'EVAL', PUT_BACK, '0');
    isOver();
  },
};
