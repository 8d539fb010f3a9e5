import { Controller, Get, Header, UseFilters } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { HealthCheckResult, HealthIndicatorResult } from '@nestjs/terminus';
import { HealthCheck, HealthCheckService, HealthIndicatorService } from '@nestjs/terminus';
import { RedisHealthIndicator } from 'nestjs-redis-data/health';

import * as docs from './health.documentation.js';
import { HealthFilter } from './health.filter.js';
import { LivenessResponse } from './liveness.response.js';

/**
 * Three questions, for three askers: whether to restart the process, whether to send it requests, and
 * how everything is. Answers never come later than the indicator's own deadline.
 */
@ApiTags('operations')
@Controller('health')
@UseFilters(HealthFilter)
export class HealthController {
  readonly #health: HealthCheckService;
  readonly #indicators: HealthIndicatorService;
  readonly #redis: RedisHealthIndicator;

  constructor(
    health: HealthCheckService,
    indicators: HealthIndicatorService,
    redis: RedisHealthIndicator,
  ) {
    this.#health = health;
    this.#indicators = indicators;
    this.#redis = redis;
  }

  /** Looks at nothing: that the process comes to answer is the answer. A restart mends no Redis. */
  @Get('live')
  @Header('Cache-Control', 'no-store')
  @docs.Live()
  live(): LivenessResponse {
    return { status: 'ok' };
  }

  @Get('ready')
  @HealthCheck()
  @docs.Ready()
  ready(): Promise<HealthCheckResult> {
    return this.#health.check([() => this.#redis.checkAll()]);
  }

  @Get()
  @HealthCheck()
  @docs.Everything()
  everything(): Promise<HealthCheckResult> {
    return this.#health.check([() => this.#process(), () => this.#redis.checkAll()]);
  }

  #process(): HealthIndicatorResult {
    const uptimeSeconds = Math.round(process.uptime());
    return this.#indicators.check('process').up({ uptimeSeconds });
  }
}
