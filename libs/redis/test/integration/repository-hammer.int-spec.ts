/**
 * The hardest promise of indexes: whatever happens at the same time, afterwards exactly the truth is
 * found. Every round lets saves, updates, deletions and readers, who clean up what they find stale,
 * loose on few entities and values, and compares when all are done.
 */
import { describe, expect, it } from '@jest/globals';
import { inRange, RedisRepository } from '../../src/index.js';
import { settled } from '../../src/testing/contract/fixture.js';
import { Customer, customer } from './support/customer.js';
import { jitteryClient } from './support/jittery-client.js';
import { pickFrom, randomNumbers } from './support/random.js';
import { onCluster, onOneServer, type Stage } from './support/repository-servers.js';

const COUNTRIES = ['FR', 'DE', 'IT'];
const POINTS = [-1, 0, 1];

/** Several repositories for the same entities, each with a client that dawdles in its own way. */
async function hammers(stage: Stage, seed: number): Promise<RedisRepository<Customer>[]> {
  const keys = stage.keys();
  const clients = await Promise.all([stage.open(), stage.open(), stage.open()]);
  return clients.map(
    (client, i) =>
      new RedisRepository(jitteryClient(client, randomNumbers(seed + i)), keys, Customer),
  );
}

/** Compares the result of each search with the stored entities. @returns the differences */
async function contradictions(
  customers: RedisRepository<Customer>,
  ids: readonly string[],
  emails: readonly string[],
): Promise<string[]> {
  const truth = [...(await customers.getAll(ids)).values()];
  const compared = [
    ...emails.map(async (email) => {
      const found = await customers.findBy({ email });
      return compare(
        email,
        truth.filter((entity) => entity.email === email),
        found,
      );
    }),
    ...COUNTRIES.map(async (country) => {
      const found = await customers.findBy({ country });
      return compare(
        country,
        truth.filter((entity) => entity.country === country),
        found,
      );
    }),
    ...POINTS.map(async (points) => {
      const found = await customers.findBy({ points });
      const meant = truth.filter((entity) => entity.points === points);
      return compare(`${points} points`, meant, found);
    }),
    ...(['asc', 'desc'] as const).map(async (order) => {
      const found = await customers.findBy({}, { sortBy: 'points', order });
      return compare(order, truth, found);
    }),
  ];
  return (await Promise.all(compared)).flat();
}

function compare(value: string, truth: readonly Customer[], found: readonly Customer[]): string[] {
  const [have, are] = [truth, found].map((list) =>
    list
      .map(({ id }) => id)
      .sort()
      .join(),
  );
  return have === are ? [] : [`${value}: [${have}] have it, [${are}] are found`];
}

/** As many as that, unless it takes too long: the embedded server needs its time. */
function* rounds(count: number): Generator<number> {
  const end = performance.now() + 6_000;
  for (let round = 0; round < count && performance.now() < end; round++) yield round;
}

/** One entity, whose values are flipped. */
async function expectTruthAfterFlips(stage: Stage): Promise<void> {
  const seed = 20_240_601;
  const random = randomNumbers(seed);
  const all = await hammers(stage, seed);
  const emails = ['a@example.com', 'b@example.com'];
  for (const round of rounds(150)) {
    const acts = Array.from({ length: 12 }, async () => {
      const customers = pickFrom(random, all);
      const email = pickFrom(random, emails);
      const country = pickFrom(random, COUNTRIES);
      const points = pickFrom(random, POINTS);
      const luck = random();
      if (luck < 0.4) await customers.save(customer(1, { email, country, points }));
      else if (luck < 0.55) await customers.update('c1', { email, country, points });
      else if (luck < 0.6) await customers.delete('c1');
      else if (luck < 0.8) await customers.findOneBy({ email });
      else if (luck < 0.9) await customers.findBy({ country });
      else await customers.findBy({ points: inRange({ gte: points }) });
    });
    await Promise.all(acts);
    const wrong = await contradictions(pickFrom(random, all), ['c1'], emails);
    expect({ round, wrong }).toEqual({ round, wrong: [] });
  }
}

/** More entities than there are values for. */
async function expectTruthAfterRivals(stage: Stage): Promise<void> {
  const seed = 7;
  const random = randomNumbers(seed);
  const all = await hammers(stage, seed);
  const emails = ['a@example.com', 'b@example.com', 'c@example.com'];
  const numbers = [1, 2, 3, 4];
  for (const round of rounds(400)) {
    const acts = Array.from({ length: 16 }, async () => {
      const customers = pickFrom(random, all);
      const n = pickFrom(random, numbers);
      const email = pickFrom(random, emails);
      const country = pickFrom(random, COUNTRIES);
      const points = pickFrom(random, POINTS);
      const luck = random();
      if (luck < 0.4) await customers.save(customer(n, { email, country, points }));
      else if (luck < 0.5) await customers.update(`c${n}`, { email, points });
      else if (luck < 0.65) await customers.delete(`c${n}`);
      else if (luck < 0.85) await customers.findOneBy({ email });
      else if (luck < 0.92) await customers.findBy({ country });
      else await customers.findBy({}, { sortBy: 'points', order: 'desc' });
    });
    const outcomes = await Promise.all(acts.map((act) => settled(act)));
    const strange = outcomes.filter((outcome) => !/^(done|REDIS_CONFLICT)$/.test(outcome));
    const ids = numbers.map((n) => `c${n}`);
    const wrong = await contradictions(pickFrom(random, all), ids, emails);
    expect({ round, strange, wrong }).toEqual({ round, strange: [], wrong: [] });
  }
}

describe('Indexes are never wrong', () => {
  const FLIPS = 'after saves of one entity that flip its values, while readers clean up';
  const RIVALS = 'after rivals have fought for the same values, each of which one may have';

  onOneServer((stage) => {
    it(FLIPS, () => expectTruthAfterFlips(stage), 30_000);
    it(RIVALS, () => expectTruthAfterRivals(stage), 30_000);
  });

  onCluster((stage) => {
    it(FLIPS, () => expectTruthAfterFlips(stage), 30_000);
    it(RIVALS, () => expectTruthAfterRivals(stage), 30_000);
  });
});
