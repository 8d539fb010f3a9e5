import type { DynamicModule } from '@nestjs/common';
import { Module } from '@nestjs/common';
import type { ConfigType } from '@nestjs/config';
import { ConfigModule } from '@nestjs/config';
import { APP_FILTER, APP_PIPE } from '@nestjs/core';
import { PrometheusModule } from '@willsoto/nestjs-prometheus';
import { LoggerModule } from 'nestjs-pino';
import { redisConfig, RedisExceptionFilter, RedisModule } from 'nestjs-redis-data';
import type { ResolvedRedis } from 'nestjs-redis-data/embedded';
import { RedisMetricsModule } from 'nestjs-redis-data/metrics';

import type { AppConfig } from './config/app.config.js';
import { appConfig } from './config/app.config.js';
import { HealthModule } from './health/health.module.js';
import { ConnectionDrain } from './http/connection-drain.js';
import { HttpMetrics, httpRequestDuration } from './http/http-metrics.js';
import { InputPipe } from './http/input.pipe.js';
import { MetricsController } from './health/metrics.controller.js';
import { OverloadReport, refusedRequests } from './http/overload-report.js';
import { ProblemFilter } from './http/problem.filter.js';
import { RootController } from './http/root.controller.js';
import { AppLogger } from './logging/app.logger.js';
import { requestLogging } from './logging/request-logging.js';
import { OperationsController } from './operations/operations.controller.js';
import { RedisServerModule, RESOLVED_REDIS } from './redis/redis-server.module.js';
import { UsersModule } from './users/users.module.js';

/** Without Redis a change of the database succeeds, and its invalidations are sent later. */
const BESIDE_A_DATABASE = { outbox: true } as const;

@Module({
  imports: [
    // Tests set what they need; a developer's .env must not change their results.
    ConfigModule.forRoot({
      isGlobal: true,
      load: [appConfig, redisConfig],
      ignoreEnvFile: process.env['NODE_ENV'] === 'test',
    }),
    LoggerModule.forRootAsync({
      inject: [appConfig.KEY],
      useFactory: (config: ConfigType<typeof appConfig>) => requestLogging(config),
    }),
    // Before RedisModule, so that it is closed after it: see RedisServerModule.
    RedisServerModule,
    RedisModule.forRootAsync({
      inject: [redisConfig.KEY, RESOLVED_REDIS, appConfig.KEY],
      useFactory: (
        config: ConfigType<typeof redisConfig>,
        { source, url }: ResolvedRedis,
        { logLevel, usersStore, near }: ConfigType<typeof appConfig>,
      ) => ({
        ...config,
        cache: { ...(usersStore === 'cached' && BESIDE_A_DATABASE), ...(near && { near }) },
        ...(source !== 'configured' && { url }),
        logging: { successes: logLevel === 'debug' || logLevel === 'trace' },
      }),
    }),
    PrometheusModule.register({ controller: MetricsController }),
    RedisMetricsModule,
    HealthModule,
  ],
  controllers: [RootController, OperationsController],
  providers: [
    AppLogger,
    ConnectionDrain,
    HttpMetrics,
    httpRequestDuration,
    OverloadReport,
    refusedRequests,
    { provide: APP_PIPE, useClass: InputPipe },
    // Nest asks the last one first: it takes failures of Redis, the other one takes the rest.
    { provide: APP_FILTER, useClass: ProblemFilter },
    { provide: APP_FILTER, useClass: RedisExceptionFilter },
  ],
})
export class AppModule {
  /** Chooses the store of the users, which no other module needs to know. */
  static with({ usersStore }: Pick<AppConfig, 'usersStore'>): DynamicModule {
    return { module: AppModule, imports: [UsersModule.keptIn(usersStore)] };
  }
}
