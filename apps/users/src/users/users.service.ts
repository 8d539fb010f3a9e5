import { randomUUID } from 'node:crypto';

import { Injectable, NotFoundException } from '@nestjs/common';

import type { User, UserDetails } from './user.js';
import { UserRepository } from './user.repository.js';

@Injectable()
export class UsersService {
  readonly #users: UserRepository;

  constructor(users: UserRepository) {
    this.#users = users;
  }

  async create(details: UserDetails): Promise<User> {
    const now = new Date();
    const user: User = { ...details, id: randomUUID(), createdAt: now, updatedAt: now };
    await this.#users.save(user);
    return user;
  }

  /** @throws NotFoundException */
  async get(id: string): Promise<User> {
    const user = await this.#users.getById(id);
    if (user === undefined) throw noSuchUser();
    return user;
  }

  /** The users that exist, each once, in the order of `ids`. */
  getAll(ids: readonly string[]): Promise<User[]> {
    return this.#users.getAll([...new Set(ids)]);
  }

  /**
   * Reads, changes and writes: of two changes at the same moment the later one wins.
   *
   * @throws NotFoundException
   */
  async update(id: string, changes: Partial<UserDetails>): Promise<User> {
    const user: User = { ...(await this.get(id)), ...changes, updatedAt: new Date() };
    // Deleted or expired since it was read: it must not come back.
    if (!(await this.#users.replace(user))) throw noSuchUser();
    return user;
  }

  /** @throws NotFoundException */
  async delete(id: string): Promise<void> {
    if (!(await this.#users.delete(id))) throw noSuchUser();
  }
}

function noSuchUser(): NotFoundException {
  return new NotFoundException('There is no user with this id.');
}
