import { Controller, Get, Optional, Res } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { InjectMetric, PrometheusController } from '@willsoto/nestjs-prometheus';
import type { Gauge } from 'prom-client';

import { Database, DATABASE_UP } from '../database/database.js';

/** Serves the metrics to Prometheus. Each request checks whether the database is there. */
@ApiTags('operations')
@Controller()
export class MetricsController extends PrometheusController {
  readonly #database: Database | undefined;
  readonly #databaseUp: Gauge | undefined;

  constructor(
    @Optional() database?: Database,
    @Optional() @InjectMetric(DATABASE_UP) databaseUp?: Gauge,
  ) {
    super();
    this.#database = database;
    this.#databaseUp = databaseUp;
  }

  @Get()
  @ApiOperation({ summary: 'The metrics, for Prometheus' })
  @ApiOkResponse({ content: { 'text/plain': { schema: { type: 'string' } } } })
  override async index(@Res({ passthrough: true }) response: unknown): Promise<string> {
    if (this.#database) this.#databaseUp?.set((await this.#database.answers()) ? 1 : 0);
    return super.index(response);
  }
}
