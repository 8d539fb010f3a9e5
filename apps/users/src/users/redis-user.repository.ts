import { Logger } from '@nestjs/common';
import type { Change, Page, PageOptions, Patch } from 'nestjs-redis-data';
import { RedisRepository } from 'nestjs-redis-data';

import { User } from './user.js';
import type { UserRepository } from './user.repository.js';

/** Users in Redis. One expires `REDIS_DEFAULT_TTL` after it was last written. */
export class RedisUserRepository extends RedisRepository<User> implements UserRepository {
  static readonly entity = User;

  readonly #logger = new Logger(RedisUserRepository.name);

  /** A change counts as a write: it gives the user its whole time to live again. */
  override update(id: string, change: Patch<User> | Change<User>): Promise<User | null> {
    return super.update(id, change, { ttl: 'default' });
  }

  /** What is no user must not keep the others out of sight: it goes to the log. */
  override page(options?: PageOptions): Promise<Page<User>> {
    return super.page({
      onCorrupt: (error) => {
        this.#logger.error(error);
      },
      ...options,
    });
  }
}
