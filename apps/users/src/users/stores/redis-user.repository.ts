import { Injectable, Logger } from '@nestjs/common';
import {
  InvalidatesCache,
  RedisConflictException,
  RedisRepository,
  RedisValidationException,
} from 'nestjs-redis-data';

import {
  EmailTakenException,
  TooManyChangesException,
  UnacceptableValueException,
} from '../user.exceptions.js';
import { User, userTag } from '../user.js';
import type { PageOptions, UserPage } from '../user.repository.js';
import { UserRepository } from '../user.repository.js';

/** The users in Redis, as the library keeps them. */
export class UserEntities extends RedisRepository<User> {
  static readonly entity = User;
}

/** Users in Redis. One expires `REDIS_DEFAULT_TTL` after it was last written. */
@Injectable()
export class RedisUserRepository extends UserRepository {
  readonly #logger = new Logger(RedisUserRepository.name);
  readonly #entities: UserEntities;

  constructor(entities: UserEntities) {
    super();
    this.#entities = entities;
  }

  getById(id: string): Promise<User | null> {
    return this.#entities.getById(id);
  }

  getAll(ids: readonly string[]): Promise<Map<string, User>> {
    return this.#entities.getAll(ids);
  }

  /** Reads a page, oldest users first. An entry that is no user is logged, and must not hide the others. */
  async page(options: PageOptions): Promise<UserPage> {
    const onCorrupt = (error: Error): void => {
      this.#logger.error(error);
    };
    const sorted = { sortBy: 'createdAt', onCorrupt, ...options } as const;
    const { entities, cursor } = await translated(this.#entities.pageBy({}, sorted));
    return { users: entities, cursor };
  }

  save(user: User): Promise<User> {
    return translated(this.#entities.save(user));
  }

  /** A change counts as a write: it gives the user its whole time to live again. */
  @InvalidatesCache({ tags: (_: unknown, id: string) => [userTag(id)] })
  async update(id: string, change: (user: User) => Partial<User>): Promise<User | null> {
    return translated(this.#entities.update(id, change, { ttl: 'default' }));
  }

  @InvalidatesCache({ tags: (_: unknown, id: string) => [userTag(id)] })
  async delete(id: string): Promise<boolean> {
    return this.#entities.delete(id);
  }
}

/** Translates exceptions of the library to those of the port. Failures of Redis stay as they are. */
async function translated<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof RedisConflictException) {
      throw error.property === undefined
        ? new TooManyChangesException()
        : new EmailTakenException();
    }
    if (error instanceof RedisValidationException) {
      const [problem] = error.problems;
      if (problem?.property === 'cursor') {
        throw new UnacceptableValueException('cursor', 'must be one that a page has given');
      }
    }
    throw error;
  }
}
