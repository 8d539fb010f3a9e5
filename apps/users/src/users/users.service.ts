import { randomUUID } from 'node:crypto';

import { Injectable, NotFoundException } from '@nestjs/common';

import type { User, UserDetails } from './user.js';
import type { PageOptions, UserPage } from './user.repository.js';
import { UserRepository } from './user.repository.js';

@Injectable()
export class UsersService {
  readonly #users: UserRepository;

  constructor(users: UserRepository) {
    this.#users = users;
  }

  /** @throws EmailTakenException */
  create(details: UserDetails): Promise<User> {
    const now = new Date();
    return this.#users.save({ ...details, id: randomUUID(), createdAt: now, updatedAt: now });
  }

  /** @throws NotFoundException */
  async get(id: string): Promise<User> {
    return found(await this.#users.getById(id));
  }

  /** The users that exist, each once, in the order of `ids`. */
  async getAll(ids: readonly string[]): Promise<User[]> {
    return [...(await this.#users.getAll(ids)).values()];
  }

  /**
   * Some of all users, and where to go on.
   *
   * @throws UnacceptableValueException for a cursor that no page has given
   */
  page(options: PageOptions): Promise<UserPage> {
    return this.#users.page(options);
  }

  /**
   * Changes a user. Concurrent changes are all kept; of two changes of one field the later one wins. When
   * this has resolved, no cached value is older than the change.
   *
   * @throws NotFoundException also if the user is deleted or expires meanwhile: it does not come back
   * @throws EmailTakenException
   * @throws TooManyChangesException
   */
  async update(id: string, changes: Partial<UserDetails>): Promise<User> {
    return found(await this.#users.update(id, () => ({ ...changes, updatedAt: new Date() })));
  }

  /** @throws NotFoundException */
  async delete(id: string): Promise<void> {
    if (!(await this.#users.delete(id))) throw noSuchUser();
  }
}

function found(user: User | null): User {
  if (user === null) throw noSuchUser();
  return user;
}

function noSuchUser(): NotFoundException {
  return new NotFoundException('There is no user with this id.');
}
