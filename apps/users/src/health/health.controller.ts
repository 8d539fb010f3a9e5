import { Controller, Get, UseFilters } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { HealthCheckResult } from '@nestjs/terminus';
import { HealthCheck, HealthCheckService } from '@nestjs/terminus';
import { RedisHealthIndicator } from 'nestjs-redis-data/health';

import { HealthFilter } from './health.filter.js';

/** 200 while Redis answers, 503 when it does not; never later than the indicator's own deadline. */
@ApiTags('operations')
@Controller('health')
@UseFilters(HealthFilter)
export class HealthController {
  readonly #health: HealthCheckService;
  readonly #redis: RedisHealthIndicator;

  constructor(health: HealthCheckService, redis: RedisHealthIndicator) {
    this.#health = health;
    this.#redis = redis;
  }

  @Get()
  @HealthCheck()
  check(): Promise<HealthCheckResult> {
    return this.#health.check([() => this.#redis.isHealthy('redis')]);
  }
}
