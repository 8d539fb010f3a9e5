import type { DynamicModule, Provider } from '@nestjs/common';
import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import type { RedisCache } from 'nestjs-redis-data';
import { getRedisCacheToken, RedisModule } from 'nestjs-redis-data';

import type { UsersStore } from '../config/app.variables.js';
import { DatabaseModule } from '../database/database.module.js';
import { CachedUserRepository } from './stores/cached-user.repository.js';
import { RedisUserRepository, UserEntities } from './stores/redis-user.repository.js';
import { SqlUserRepository } from './stores/sql-user.repository.js';
import { UserRow } from './stores/user.row.js';
import { DatabaseStoreReport, RedisStoreReport } from './stores/store-report.js';
import { UserRepository } from './user.repository.js';
import { UsersController } from './users.controller.js';
import { UsersService } from './users.service.js';

const CACHE = 'users';

const CACHE_OPTIONS = {
  ttl: '5m', // how late a change by another program is visible; changes by this API are visible at once
  negativeTtl: '30s',
  outbox: true, // changes are made without Redis, too, and invalidations are sent when it is back
} as const;

@Module({ controllers: [UsersController], providers: [UsersService] })
export class UsersModule {
  /** Provides only what a store needs: `redis` opens no database. */
  static keptIn(store: UsersStore): DynamicModule {
    return { module: UsersModule, ...PARTS[store]() };
  }
}

interface StoreParts {
  readonly imports: DynamicModule[];
  readonly providers: Provider[];
}

const PARTS: Readonly<Record<UsersStore, () => StoreParts>> = {
  cached: () => ({
    imports: [...sql(), RedisModule.forCache(CACHE, CACHE_OPTIONS)],
    providers: [
      SqlUserRepository,
      {
        provide: UserRepository,
        inject: [SqlUserRepository, getRedisCacheToken(CACHE)],
        useFactory: (origin: SqlUserRepository, cache: RedisCache) =>
          new CachedUserRepository(origin, cache),
      },
      DatabaseStoreReport,
    ],
  }),
  sql: () => ({
    imports: sql(),
    providers: [{ provide: UserRepository, useClass: SqlUserRepository }, DatabaseStoreReport],
  }),
  redis: () => ({
    imports: [RedisModule.forFeature([UserEntities])],
    providers: [{ provide: UserRepository, useClass: RedisUserRepository }, RedisStoreReport],
  }),
};

function sql(): DynamicModule[] {
  return [{ module: DatabaseModule }, TypeOrmModule.forFeature([UserRow])];
}
