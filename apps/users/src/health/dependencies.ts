import { Inject, Injectable, Optional } from '@nestjs/common';
import type { ConfigType } from '@nestjs/config';
import type { HealthIndicatorResult } from '@nestjs/terminus';
import { HealthIndicatorService } from '@nestjs/terminus';
import { RedisHealthIndicator } from 'nestjs-redis-data/health';

import { appConfig } from '../config/app.config.js';
import { Database } from '../database/database.js';

/** Without names and numbers, because a health report may be public. */
const NO_ANSWER = 'no answer in time, or no connection';

/**
 * Checks what the application needs to answer requests, which depends on the store. With `cached`, the
 * database and Redis are each optional as long as the other one is there: without Redis the database
 * answers, and without the database the cache does. With `sql` only the database is needed, with `redis`
 * only Redis.
 *
 * It answers within about a second: half of it for the database, and half for Redis.
 */
@Injectable()
export class Dependencies {
  readonly #indicators: HealthIndicatorService;
  readonly #redis: RedisHealthIndicator;
  readonly #config: ConfigType<typeof appConfig>;
  readonly #database: Database | undefined;

  constructor(
    indicators: HealthIndicatorService,
    redis: RedisHealthIndicator,
    @Inject(appConfig.KEY) config: ConfigType<typeof appConfig>,
    @Optional() database?: Database,
  ) {
    this.#indicators = indicators;
    this.#redis = redis;
    this.#config = config;
    this.#database = database;
  }

  async check(): Promise<HealthIndicatorResult> {
    if (!this.#database) return this.#redis.checkAll();
    const isCached = this.#config.usersStore === 'cached';
    const answers = await this.#database.answers();
    const optional = answers || !isCached;
    const redis = await this.#redis.checkAll('redis', { timeout: '500ms', optional });
    const isRedisThere = Object.values(redis).every(({ status }) => status !== 'down');
    return { ...this.#databaseReport(answers, isCached && isRedisThere), ...redis };
  }

  #databaseReport(answers: boolean, isOptional: boolean): HealthIndicatorResult {
    const report = this.#indicators.check('database');
    const optional = isOptional && { optional: true };
    if (answers) return report.up({ ...optional });
    return isOptional
      ? report.degraded({ ...optional, reasons: [NO_ANSWER] })
      : report.down({ message: NO_ANSWER });
  }
}
