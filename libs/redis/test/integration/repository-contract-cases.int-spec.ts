import { describe, expect, it } from '@jest/globals';
import { Customer, customers } from './support/customer.js';
import { InMemoryRepository } from './support/in-memory-repository.js';
import type { EntityRepository } from '../../src/repository/entity-repository.js';
import { repositoryContract } from '../../src/testing/index.js';

const open = () =>
  new InMemoryRepository({
    entity: Customer,
    unique: ['email'],
    ranges: ['points'],
    now: () => Date.now(),
  });

describe('repositoryContract', () => {
  it('leaves out cases about features that the entity does not have', () => {
    const { id, example } = customers;
    const names = repositoryContract<Customer>({ open, id, example }).map(({ name }) => name);
    expect(names.filter((name) => /valid|unique|indexed|find/.test(name))).toEqual([]);
    expect(names.length).toBeGreaterThan(30);
    expect(new Set(names).size).toBe(names.length);
  });

  it('opens and closes a repository for each case, also for one that fails', async () => {
    const opened: unknown[] = [];
    const closed: unknown[] = [];
    const cases = repositoryContract<Customer>({
      ...customers,
      open: () => {
        const broken = {} as EntityRepository<Customer>;
        opened.push(broken);
        return broken;
      },
      close: (repository) => closed.push(repository),
    });
    for (const { run } of cases.slice(0, 3)) await expect(run()).rejects.toThrow();
    expect(opened).toHaveLength(3);
    expect(closed).toEqual(opened);
  });

  it('waits for real time to pass unless the subject has its own wait', async () => {
    const cases = repositoryContract<Customer>({ ...customers, open });
    const began = performance.now();
    await cases.find(({ name }) => name.startsWith('removes an entity when'))?.run();
    expect(performance.now() - began).toBeGreaterThan(2_000);
  });

  it('rejects with an unexpected error as it is', async () => {
    const reason = new Error('out of order');
    const broken = { getByIdOrFail: () => Promise.reject(reason), save: () => Promise.resolve() };
    const cases = repositoryContract<Customer>({
      ...customers,
      open: () => broken as unknown as EntityRepository<Customer>,
    });
    const found = cases.find(({ name }) => name.includes('REDIS_KEY_NOT_FOUND'));
    await expect(found?.run()).rejects.toBe(reason);
  });
});
