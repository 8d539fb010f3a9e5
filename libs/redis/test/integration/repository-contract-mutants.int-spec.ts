/**
 * The contract is worth what it catches: each of these doubles is broken in one way, and the case that
 * has the name of the promise must notice.
 */
import { describe, expect, it } from '@jest/globals';
import { repositoryContract } from '../../src/testing/index.js';
import { brokenExpiringAndIterating } from './support/broken-expiring-and-iterating.js';
import { brokenFinding } from './support/broken-finding.js';
import { brokenRanges } from './support/broken-ranges.js';
import { brokenReadingAndWriting } from './support/broken-reading-and-writing.js';
import { Customer, customers } from './support/customer.js';
import { Double, type Mutant } from './support/double.js';

const mutants = [
  ...brokenReadingAndWriting,
  ...brokenExpiringAndIterating,
  ...brokenFinding,
  ...brokenRanges,
];

function casesOf(Mutant: Mutant) {
  let now = 0;
  return repositoryContract<Customer>({
    ...customers,
    open: () =>
      new Mutant({ entity: Customer, unique: ['email'], ranges: ['points'], now: () => now }),
    wait: async (ms) => (now += ms),
  });
}

describe('repositoryContract', () => {
  it.each(casesOf(Double))('accepts the unbroken repository: it $name', ({ run }) => run());

  it.each(mutants)('fails for a broken repository that %s', async (_, promise, mutant) => {
    const found = casesOf(mutant).find(({ name }) => name === promise);
    expect(found).toBeDefined();
    await expect(found?.run()).rejects.toThrow();
  });

  it('has a broken repository for each of its promises', () => {
    const promises = casesOf(Double).map(({ name }) => name);
    const broken = new Set(mutants.map(([, promise]) => promise));
    expect(promises.filter((promise) => !broken.has(promise))).toEqual([]);
  });
});
