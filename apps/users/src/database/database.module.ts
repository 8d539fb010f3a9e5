/**
 * @module database The SQL database of record: how it is reached, made ready, and what its failures mean.
 */
import { Module } from '@nestjs/common';
import type { ConfigType } from '@nestjs/config';
import { ConfigModule } from '@nestjs/config';
import { TypeOrmModule } from '@nestjs/typeorm';

import { databaseConfig } from '../config/database.config.js';
import { Database } from './database.js';
import { dataSourceOptions } from './data-source-options.js';

/** Opens PostgreSQL or SQLite, whichever `DATABASE_URL` says, and closes it with the application. */
@Module({
  imports: [
    ConfigModule.forFeature(databaseConfig),
    TypeOrmModule.forRootAsync({
      imports: [ConfigModule.forFeature(databaseConfig)],
      inject: [databaseConfig.KEY],
      useFactory: (config: ConfigType<typeof databaseConfig>) => ({
        ...dataSourceOptions(config),
        autoLoadEntities: true,
        manualInitialization: true, // by Database, which does not give up
      }),
    }),
  ],
  providers: [Database],
  exports: [Database],
})
export class DatabaseModule {}
