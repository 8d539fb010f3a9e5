import { NotFoundException } from '@nestjs/common';
import { beforeEach, describe, expect, it, jest } from '@jest/globals';

import type { User } from './user.js';
import { UserRepository } from './user.repository.js';
import { UsersService } from './users.service.js';

/** The port without Redis: the service must not notice. */
class UsersInMemory extends UserRepository {
  readonly #users = new Map<string, User>();

  getById(id: string): Promise<User | undefined> {
    return Promise.resolve(this.#users.get(id));
  }

  getAll(ids: readonly string[]): Promise<User[]> {
    return Promise.resolve(ids.flatMap((id) => this.#users.get(id) ?? []));
  }

  save(user: User): Promise<void> {
    this.#users.set(user.id, user);
    return Promise.resolve();
  }

  replace(user: User): Promise<boolean> {
    const exists = this.#users.has(user.id);
    if (exists) this.#users.set(user.id, user);
    return Promise.resolve(exists);
  }

  delete(id: string): Promise<boolean> {
    return Promise.resolve(this.#users.delete(id));
  }
}

const ADA = { firstName: 'Ada', lastName: 'Lovelace', email: 'ada@example.com' };

describe('UsersService', () => {
  let users: UsersService;

  beforeEach(() => {
    users = new UsersService(new UsersInMemory());
  });

  it('does not bring back a user that is deleted while it is changed', async () => {
    const repository = new UsersInMemory();
    const service = new UsersService(repository);
    const { id } = await service.create(ADA);
    const readUser = repository.getById.bind(repository);
    jest.spyOn(repository, 'getById').mockImplementation(async (wanted) => {
      const user = await readUser(wanted);
      await repository.delete(wanted); // somebody else, just now
      return user;
    });

    await expect(service.update(id, { lastName: 'King' })).rejects.toThrow(NotFoundException);
    expect(await readUser(id)).toBeUndefined();
  });

  it('gives a new user an id and its dates, and keeps it', async () => {
    const user = await users.create(ADA);

    expect(user).toEqual({
      ...ADA,
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      createdAt: expect.any(Date),
      updatedAt: user.createdAt,
    });
    expect(await users.get(user.id)).toEqual(user);
  });

  it('gives two users with the same details two ids', async () => {
    expect((await users.create(ADA)).id).not.toBe((await users.create(ADA)).id);
  });

  it('changes what it is told and the date of the change, nothing else', async () => {
    jest.useFakeTimers();
    const user = await users.create(ADA);
    jest.advanceTimersByTime(1_000);

    const changed = await users.update(user.id, { lastName: 'King' });

    expect(changed).toEqual({ ...user, lastName: 'King', updatedAt: new Date() });
    expect(await users.get(user.id)).toEqual(changed);
    jest.useRealTimers();
  });

  it('returns each user once, in the order asked for', async () => {
    const [a, b] = [await users.create(ADA), await users.create(ADA)];

    expect(await users.getAll([b.id, 'missing', a.id, b.id])).toEqual([b, a]);
  });

  it.each([
    ['read', (id: string) => users.get(id)],
    ['change', (id: string) => users.update(id, {})],
    ['delete', (id: string) => users.delete(id)],
  ])('says so when there is no user to %s', async (_, act) => {
    const { id } = await users.create(ADA);
    await users.delete(id);

    await expect(act(id)).rejects.toBeInstanceOf(NotFoundException);
  });
});
