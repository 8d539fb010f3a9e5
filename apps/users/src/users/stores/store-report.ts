import type { OnModuleInit } from '@nestjs/common';
import { Inject, Injectable, Logger } from '@nestjs/common';
import type { ConfigType } from '@nestjs/config';

import { appConfig } from '../../config/app.config.js';
import { Database } from '../../database/database.js';

const CONTEXT = 'UsersStore';

/** Logs in one line where users are kept. */
@Injectable()
export class DatabaseStoreReport implements OnModuleInit {
  readonly #database: Database;
  readonly #config: ConfigType<typeof appConfig>;

  constructor(database: Database, @Inject(appConfig.KEY) config: ConfigType<typeof appConfig>) {
    this.#database = database;
    this.#config = config;
  }

  onModuleInit(): void {
    const cache = this.#config.usersStore === 'cached' ? ', cached in Redis' : ', not cached';
    new Logger(CONTEXT).log(`Users are kept in ${this.#database.description}${cache}`);
  }
}

@Injectable()
export class RedisStoreReport implements OnModuleInit {
  onModuleInit(): void {
    new Logger(CONTEXT).log('Users are kept in Redis, for REDIS_DEFAULT_TTL');
  }
}
