import { randomUUID } from 'node:crypto';
import { Module, type INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { Registry } from 'prom-client';
import { RedisModule } from 'nestjs-redis-data';
import { RedisMetricsModule } from 'nestjs-redis-data/metrics';

/** What `RedisModule.forRoot` takes. */
export type ConnectionOptions = Parameters<typeof RedisModule.forRoot>[0];

/** With this timeout a busy machine does not count as an outage. */
const PATIENT = { timeout: '5s' } as const;

/** Opens an application with metrics in a registry, and with its own key namespace. */
export async function openMetricsApp(
  registry: Registry,
  ...connections: readonly ConnectionOptions[]
): Promise<INestApplicationContext> {
  const app = `metrics-${randomUUID()}`;
  @Module({
    imports: [
      RedisMetricsModule.forRoot({ registry }),
      ...connections.map((options) =>
        RedisModule.forRoot({ startup: 'require', app, cache: PATIENT, ...options }),
      ),
    ],
  })
  class AppModule {}
  return NestFactory.createApplicationContext(AppModule, { logger: false, abortOnError: false });
}

/** What a registry shows: series, as `name{label="value"}`, and their values. */
export async function scrape(registry: Registry): Promise<ReadonlyMap<string, number>> {
  const lines = (await registry.metrics()).split('\n');
  const samples = lines.filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    samples.map((line) => {
      const space = line.lastIndexOf(' ');
      return [line.slice(0, space), Number(line.slice(space + 1))];
    }),
  );
}

/** How many commands were counted, whatever became of them. */
export async function countedCommands(registry: Registry, command: string): Promise<number> {
  const series = [...(await scrape(registry))].filter(
    ([name]) =>
      name.startsWith('redis_command_duration_seconds_count') &&
      name.includes(`command="${command}"`),
  );
  return series.reduce((sum, [, count]) => sum + count, 0);
}
