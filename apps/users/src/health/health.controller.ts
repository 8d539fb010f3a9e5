import { Controller, Get, Header, UseFilters } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { HealthCheckResult, HealthIndicatorResult } from '@nestjs/terminus';
import { HealthCheck, HealthCheckService, HealthIndicatorService } from '@nestjs/terminus';

import { Dependencies } from './dependencies.js';
import * as docs from './health.documentation.js';
import { HealthFilter } from './health.filter.js';
import { LivenessResponse } from './liveness.response.js';

/**
 * Answers three questions: whether to restart the process, whether to send it requests, and how all parts
 * are. Answers take about a second at most.
 */
@ApiTags('operations')
@Controller('health')
@UseFilters(HealthFilter)
export class HealthController {
  readonly #health: HealthCheckService;
  readonly #indicators: HealthIndicatorService;
  readonly #dependencies: Dependencies;

  constructor(
    health: HealthCheckService,
    indicators: HealthIndicatorService,
    dependencies: Dependencies,
  ) {
    this.#health = health;
    this.#indicators = indicators;
    this.#dependencies = dependencies;
  }

  /** Checks nothing else than that the process answers: a restart repairs neither a database nor a Redis. */
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
    return this.#health.check([() => this.#dependencies.check()]);
  }

  @Get()
  @HealthCheck()
  @docs.Everything()
  everything(): Promise<HealthCheckResult> {
    return this.#health.check([() => this.#process(), () => this.#dependencies.check()]);
  }

  #process(): HealthIndicatorResult {
    const uptimeSeconds = Math.round(process.uptime());
    return this.#indicators.check('process').up({ uptimeSeconds });
  }
}
