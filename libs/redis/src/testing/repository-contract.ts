import type { IdOf, IdValue } from '../repository/entity/entity-schema.js';
import { Fixture, type ContractCase } from './contract/fixture.js';
import { expiringCases } from './contract/expiring.cases.js';
import { findingCases, uniqueCases } from './contract/finding.cases.js';
import { iteratingCases } from './contract/iterating.cases.js';
import { rangeCases } from './contract/range.cases.js';
import { readingCases } from './contract/reading.cases.js';
import type { RepositoryContractCase, RepositoryContractSubject } from './contract/subject.js';
import { validationCases, writingCases } from './contract/writing.cases.js';

/**
 * Returns the promises of every `EntityRepository` as cases for any test runner. Use it for a test double
 * of a `RedisRepository`, or for a subclass. Each case opens its own repository, so cases may run
 * concurrently (`it.concurrent` of Jest), which saves time: some wait for an expiry.
 *
 * @example
 * describe('UsersInMemory', () => {
 *   const cases = repositoryContract<User>({
 *     open: () => new UsersInMemory(),
 *     id: 'id',
 *     example: (n) => ({ id: `u${n}`, email: `${n}@example.com`, country: n % 2 ? 'FR' : 'DE' }),
 *     indexed: 'country',
 *     unique: 'email',
 *     range: 'createdAt',
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
    ...(subject.range === undefined ? [] : rangeCases),
  ];
  return cases.map((one) => ({ name: one.name, run: () => runOn(subject, one) }));
}

async function runOn<T extends object, Id extends IdValue>(
  subject: RepositoryContractSubject<T, Id>,
  one: ContractCase,
): Promise<void> {
  const repository = await subject.open();
  try {
    await one.run(new Fixture(subject, repository));
  } finally {
    await subject.close?.(repository);
  }
}
