import { Logger } from '@nestjs/common';
import type {
  Change,
  EntityClass,
  KeyBuilder,
  Page,
  PageOptions,
  Patch,
  RedisClient,
  RedisRepositoryOptions,
  SaveOptions,
  Ttl,
  UpdateOptions,
} from 'nestjs-redis-data';
import { RedisConflictException, RedisRepository } from 'nestjs-redis-data';

import { EmailTakenException } from './email-taken.exception.js';
import { User } from './user.js';
import type { UserRepository } from './user.repository.js';

/** Users in Redis. One expires `REDIS_DEFAULT_TTL` after it was last written. */
export class RedisUserRepository extends RedisRepository<User> implements UserRepository {
  static readonly entity = User;

  readonly #logger = new Logger(RedisUserRepository.name);
  readonly #ttl: Ttl;

  constructor(
    client: RedisClient,
    keys: KeyBuilder,
    entity: EntityClass<User>,
    options: Required<RedisRepositoryOptions>,
  ) {
    super(client, keys, entity, options);
    this.#ttl = options.defaultTtl;
  }

  override save(user: User, options?: SaveOptions): Promise<User> {
    return super.save(user, options).catch(sayThatTheEmailIsTaken);
  }

  /** A change counts as a write: it gives the user its whole time to live again. */
  override update(
    id: string,
    change: Patch<User> | Change<User>,
    options: UpdateOptions = { ttl: this.#ttl },
  ): Promise<User | null> {
    return super.update(id, change, options).catch(sayThatTheEmailIsTaken);
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

function sayThatTheEmailIsTaken(error: unknown): never {
  if (error instanceof RedisConflictException && error.property === 'email') {
    throw new EmailTakenException({ cause: error });
  }
  throw error;
}
