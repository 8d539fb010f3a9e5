import type { IdOf, IdValue } from '../repository/entity/entity-schema.js';
import { Bench, type BenchCase } from './contract/bench.js';
import { expiringCases } from './contract/expiring.cases.js';
import { findingCases, uniqueCases } from './contract/finding.cases.js';
import { iteratingCases } from './contract/iterating.cases.js';
import { readingCases } from './contract/reading.cases.js';
import type { RepositoryContractCase, RepositoryContractSubject } from './contract/subject.js';
import { validationCases, writingCases } from './contract/writing.cases.js';

/**
 * What every `EntityRepository` promises, as cases for any test runner: for the double that stands in
 * for a `RedisRepository` in an application's tests, or for a subclass. Each case opens a repository
 * of its own, so they may run side by side (`it.concurrent` of Jest): some wait for an expiry.
 *
 * @example
 * describe('UsersInMemory', () => {
 *   const cases = repositoryContract<User>({
 *     open: () => new UsersInMemory(),
 *     id: 'id',
 *     example: (n) => ({ id: `u${n}`, email: `${n}@example.com`, country: n % 2 ? 'FR' : 'DE' }),
 *     indexed: 'country',
 *     unique: 'email',
 *   });
 *   for (const { name, run } of cases) it(name, run);
 * });
 *
 * @publicApi
 */
export function repositoryContract<T extends object, Id extends IdValue = IdOf<T>>(
  subject: RepositoryContractSubject<T, Id>,
): readonly RepositoryContractCase[] {
  const cases = [
    ...readingCases,
    ...writingCases,
    ...expiringCases,
    ...iteratingCases,
    ...(subject.invalid === undefined ? [] : validationCases),
    ...(subject.indexed === undefined ? [] : findingCases),
    ...(subject.unique === undefined ? [] : uniqueCases),
  ];
  return cases.map((one) => ({ name: one.name, run: () => runOn(subject, one) }));
}

async function runOn<T extends object, Id extends IdValue>(
  subject: RepositoryContractSubject<T, Id>,
  one: BenchCase,
): Promise<void> {
  const repository = await subject.open();
  try {
    await one.run(new Bench(subject, repository));
  } finally {
    await subject.close?.(repository);
  }
}
