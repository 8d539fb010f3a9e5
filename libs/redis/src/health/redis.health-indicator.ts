import { Injectable } from '@nestjs/common';
import { ModuleRef } from '@nestjs/core';
import { HealthIndicatorService, type HealthIndicatorResult } from '@nestjs/terminus';
import { connectionOf } from '../connection/connection.js';
import { Connections } from '../connection/connections.js';
import type { RedisClient } from '../connection/options/options.js';
import { DEFAULT_CONNECTION } from '../connection/options/resolve-options.js';
import { getRedisToken } from '../nest/redis.tokens.js';
import { lookAt, type ConnectionHealth } from './connection-health.js';
import {
  resolveHealthOfAll,
  resolveHealthOptions,
  type RedisHealthOfAllOptions,
  type RedisHealthOptions,
  type ResolvedHealthOptions,
} from './health-options.js';

/**
 * Tells terminus the state of connections: `up`, `degraded` (partly working, or about to fail; HTTP 200) or
 * `down` (503). An optional connection that is down counts as `degraded`.
 *
 * Uses the connections of the application, in one round trip with a deadline; in a cluster one to each
 * primary, at the same time. Reports `down` at once while there is no connection. Never throws because of
 * Redis.
 *
 * While an answer is missing, later probes share it instead of sending further commands.
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
   * Checks one connection.
   *
   * @param key the name of the entry in the health report
   * @throws RedisConfigurationException for an invalid option; Nest's UnknownElementException if
   * there is no such connection
   */
  async isHealthy(
    key = 'redis',
    { connection, ...options }: RedisHealthOptions = {},
  ): Promise<HealthIndicatorResult> {
    const client = this.#find<RedisClient>(getRedisToken(connection));
    return this.#look(key, client, resolveHealthOptions(options));
  }

  /**
   * Checks all connections of the application at the same time. The report has the default connection as
   * `redis`, and one with a name as `redis:name`.
   *
   * @param key the name of the entries in the health report
   * @throws RedisConfigurationException for an invalid option, or for an unknown name in `optional`
   *
   * @example
   * this.health.check([() => this.redis.checkAll()])
   *
   * @example the application works without the connection `cache`, too
   * this.health.check([() => this.redis.checkAll('redis', { optional: ['cache'] })])
   */
  async checkAll(
    key = 'redis',
    options: RedisHealthOfAllOptions = {},
  ): Promise<HealthIndicatorResult> {
    const { injected: open } = this.#find<Connections>(Connections);
    const optionsOf = resolveHealthOfAll(options, [...open.keys()]);
    const connections = [...open]
      .map(([name, { client }]) => ({ entry: entryOf(name, key), client, name }))
      // Sorted, because connections open in any order and the report should not change with each start.
      .sort((one, other) => (one.entry < other.entry ? -1 : 1));
    const results = await Promise.all(
      connections.map(({ entry, client, name }) => this.#look(entry, client, optionsOf(name))),
    );
    return Object.assign({}, ...results) as HealthIndicatorResult;
  }

  async #look(
    key: string,
    client: RedisClient,
    options: ResolvedHealthOptions,
  ): Promise<HealthIndicatorResult> {
    const users = this.#find<Connections>(Connections).usersOf(client);
    const bypassed = users.filter(({ isBypassed }) => isBypassed).map(({ name }) => name);
    const nearOff = users.map(({ near }) => near?.reason).find((reason) => reason !== undefined);
    const health = await lookAt(connectionOf(client), options, { bypassed, nearOff });
    return this.#report(key, options.optional ? asOptional(health) : health);
  }

  #report(key: string, health: ConnectionHealth): HealthIndicatorResult {
    const indicator = this.#indicators.check(key);
    switch (health.state) {
      case 'down':
        return indicator.down({ message: health.message });
      case 'up':
        return indicator.up(health.details);
      case 'degraded':
        // Terminus 11 does not know this state, and leaves such entries out of its report.
        return canBeDegraded(indicator)
          ? indicator.degraded(health.details)
          : indicator.up({ degraded: true, ...health.details });
    }
  }

  #find<T>(token: string | (abstract new (...args: never[]) => T)): T {
    return this.#moduleRef.get<T>(token, { strict: false });
  }
}

/** An optional connection is never down. */
function asOptional(health: ConnectionHealth): ConnectionHealth {
  return health.state === 'down'
    ? { state: 'degraded', details: { optional: true, reasons: [health.message] } }
    : { ...health, details: { optional: true, ...health.details } };
}

function entryOf(connection: string, key: string): string {
  return connection === DEFAULT_CONNECTION ? key : `${key}:${connection}`;
}

function canBeDegraded(indicator: object): boolean {
  return 'degraded' in indicator;
}
