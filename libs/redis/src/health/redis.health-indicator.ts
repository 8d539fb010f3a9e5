import { Injectable } from '@nestjs/common';
import { ModuleRef } from '@nestjs/core';
import { HealthIndicatorService, type HealthIndicatorResult } from '@nestjs/terminus';
import type { RedisClient } from '../connection/options/options.js';
import { getRedisToken } from '../nest/redis.tokens.js';
import { withDeadline } from '../time/deadline.js';
import { parseDuration, type Duration } from '../time/duration.js';

export interface RedisHealthOptions {
  /**
   * The name of the connection to look at.
   * @default 'default'
   */
  readonly connection?: string;
  /**
   * How long Redis may take to answer the ping.
   * @default '1s'
   */
  readonly timeout?: Duration;
}

/**
 * Tells terminus whether a connection works: one PING on the connection the application uses (one
 * round trip, no further connection), with a deadline. Answers `down` at once while there is no
 * connection. Never throws because of Redis.
 *
 * @example
 * this.health.check([() => this.redis.isHealthy('redis')])
 *
 * @publicApi
 */
@Injectable()
export class RedisHealthIndicator {
  readonly #indicators: HealthIndicatorService;
  readonly #moduleRef: ModuleRef;

  constructor(indicators: HealthIndicatorService, moduleRef: ModuleRef) {
    this.#indicators = indicators;
    this.#moduleRef = moduleRef;
  }

  /**
   * @param key the name of the entry in the health report
   * @throws RedisConfigurationException if `timeout` is no duration; Nest's UnknownElementException if
   * there is no such connection
   */
  async isHealthy(
    key = 'redis',
    { connection, timeout = '1s' }: RedisHealthOptions = {},
  ): Promise<HealthIndicatorResult> {
    const timeoutMs = parseDuration(timeout, 'timeout');
    const token = getRedisToken(connection);
    const client = this.#moduleRef.get<RedisClient>(token, { strict: false });
    const indicator = this.#indicators.check(key);
    const problem = await findProblem(client, timeoutMs);
    return problem === undefined ? indicator.up() : indicator.down({ message: problem });
  }
}

async function findProblem(client: RedisClient, timeoutMs: number): Promise<string | undefined> {
  if (client.status !== 'ready') return `not connected (${client.status})`;
  const ping = client.ping().then(
    () => undefined,
    () => 'the ping failed', // the reason is in the log; it may name hosts
  );
  return withDeadline<string | undefined>(
    ping,
    timeoutMs,
    () => `no answer within ${timeoutMs} ms`,
  );
}
