import { NotFoundException } from '@nestjs/common';
import { beforeEach, describe, expect, it, jest } from '@jest/globals';

import { EmailTakenException } from './user.exceptions.js';
import { User } from './user.js';
import type { UserPage } from './user.repository.js';
import { UserRepository } from './user.repository.js';
import { UsersService } from './users.service.js';

/** The port without Redis: the service must not notice. */
class UsersInMemory extends UserRepository {
  readonly #users = new Map<string, User>();

  async getById(id: string): Promise<User | null> {
    return this.#users.get(id) ?? null;
  }

  async getAll(ids: readonly string[]): Promise<Map<string, User>> {
    return new Map(ids.flatMap((id) => [...this.#users].filter(([known]) => known === id)));
  }

  async page(): Promise<UserPage> {
    return { users: [...this.#users.values()], cursor: null };
  }

  async save(user: User): Promise<User> {
    for (const { id, email } of this.#users.values()) {
      if (email === user.email && id !== user.id) throw new EmailTakenException();
    }
    this.#users.set(user.id, user);
    return user;
  }

  async update(id: string, change: (user: User) => Partial<User>): Promise<User | null> {
    const user = this.#users.get(id);
    return user ? this.save(Object.assign(new User(), user, change(user))) : null;
  }

  async delete(id: string): Promise<boolean> {
    return this.#users.delete(id);
  }
}

const ADA = { firstName: 'Ada', lastName: 'Lovelace', email: 'ada@example.com' };
const GRACE = { firstName: 'Grace', lastName: 'Hopper', email: 'grace@example.com' };

describe('UsersService', () => {
  let users: UsersService;

  beforeEach(() => {
    users = new UsersService(new UsersInMemory());
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

  it('gives every user an id of its own', async () => {
    expect((await users.create(ADA)).id).not.toBe((await users.create(GRACE)).id);
  });

  it('changes what it is told and the date of the change, nothing else', async () => {
    jest.useFakeTimers();
    const user = await users.create(ADA);
    jest.advanceTimersByTime(1_000);

    const changed = await users.update(user.id, { lastName: 'King' });

    const { id, createdAt } = user;
    expect(changed).toEqual({ ...ADA, lastName: 'King', id, createdAt, updatedAt: new Date() });
    expect(await users.get(user.id)).toEqual(changed);
    jest.useRealTimers();
  });

  it('refuses an e-mail that another user has', async () => {
    await users.create(ADA);
    const { id } = await users.create(GRACE);

    await expect(users.create(ADA)).rejects.toBeInstanceOf(EmailTakenException);
    await expect(users.update(id, { email: ADA.email })).rejects.toBeInstanceOf(
      EmailTakenException,
    );
  });

  it('returns each user once, in the order asked for', async () => {
    const [a, b] = [await users.create(ADA), await users.create(GRACE)];

    expect(await users.getAll([b.id, 'missing', a.id, b.id])).toEqual([b, a]);
  });

  it('returns a page of all users', async () => {
    const [a, b] = [await users.create(ADA), await users.create(GRACE)];

    expect(await users.page({ limit: 20 })).toEqual({ users: [a, b], cursor: null });
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
