/**
 * @module database The SQL database of record: how it is reached, made ready, and what its failures mean.
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
 * Opens PostgreSQL or SQLite, whichever `DATABASE_URL` says, and closes it with the application. Global, so
 * that probes and metrics find the database where there is one: the store decides.
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
        manualInitialization: true, // by Database, which does not give up
      }),
    }),
  ],
  providers: [Database, databaseUp],
  exports: [Database, databaseUp],
})
export class DatabaseModule {}
