/**
 * @module database The SQL database of record: its connection, its tables, and its failures.
 */
import { Global, Module } from '@nestjs/common';
import type { ConfigType } from '@nestjs/config';
import { ConfigModule } from '@nestjs/config';
import { TypeOrmModule } from '@nestjs/typeorm';
import { makeGaugeProvider } from '@willsoto/nestjs-prometheus';

import { databaseConfig } from '../config/database.config.js';
import { Database, DATABASE_UP } from './database.js';
import { dataSourceOptions } from './data-source-options.js';

const databaseUp = makeGaugeProvider({
  name: DATABASE_UP,
  help: 'Whether the database answers (1) or does not (0).',
});

/**
 * Opens the PostgreSQL or SQLite of `DATABASE_URL`, and closes it with the application. It is global, so that
 * probes and metrics find the database if the store has one.
 */
@Global()
@Module({
  imports: [
    ConfigModule.forFeature(databaseConfig),
    TypeOrmModule.forRootAsync({
      imports: [ConfigModule.forFeature(databaseConfig)],
      inject: [databaseConfig.KEY],
      useFactory: (config: ConfigType<typeof databaseConfig>) => ({
        ...dataSourceOptions(config),
        autoLoadEntities: true,
        manualInitialization: true, // Database does it, and tries again
      }),
    }),
  ],
  providers: [Database, databaseUp],
  exports: [Database, databaseUp],
})
export class DatabaseModule {}
