import { Controller, Get, Optional, Res } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { InjectMetric, PrometheusController } from '@willsoto/nestjs-prometheus';
import type { Gauge } from 'prom-client';

import { Database, DATABASE_UP } from '../database/database.js';

/** What Prometheus asks for. The database is asked whether it is there when Prometheus asks. */
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
  @ApiOperation({ summary: 'What is measured, for Prometheus' })
  @ApiOkResponse({ content: { 'text/plain': { schema: { type: 'string' } } } })
  override async index(@Res({ passthrough: true }) response: unknown): Promise<string> {
    if (this.#database) this.#databaseUp?.set((await this.#database.answers()) ? 1 : 0);
    return super.index(response);
  }
}
