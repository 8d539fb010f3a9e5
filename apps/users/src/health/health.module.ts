/**
 * @module health Whether the application can do its work, for load balancers and orchestrators.
 */
import { Module } from '@nestjs/common';
import { TerminusModule } from '@nestjs/terminus';
import { RedisHealthIndicator } from 'nestjs-redis-data/health';

import { Dependencies } from './dependencies.js';
import { HealthController } from './health.controller.js';
import { HealthLogger } from './health.logger.js';

@Module({
  imports: [TerminusModule.forRoot({ errorLogStyle: 'json', logger: HealthLogger })],
  controllers: [HealthController],
  providers: [Dependencies, RedisHealthIndicator],
})
export class HealthModule {}
