import { Injectable } from '@nestjs/common';
import { ModuleRef } from '@nestjs/core';
import { HealthIndicatorService, type HealthIndicatorResult } from '@nestjs/terminus';
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
 * Tells terminus whether connections work: `up`, `degraded` (only a part of their work can be done, or
 * soon no more; still 200) or `down` (503). An optional connection that is down is `degraded`.
 *
 * Asks on the connections that the application uses, in one round trip with a deadline; in a cluster each
 * primary at the same time. Answers `down` at once while there is no connection. Never throws because of
 * Redis.
 *
 * Who asks while an earlier question has not been answered shares that answer.
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
   * One connection.
   *
   * @param key the name of the entry in the health report
   * @throws RedisConfigurationException for an impossible option; Nest's UnknownElementException if
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
   * Every connection of the application, all at the same time: the default one as `redis`, one with a
   * name as `redis:name`.
   *
   * @param key the name of the entries in the health report
   * @throws RedisConfigurationException for an impossible option, or for one about a connection that
   * does not exist
   *
   * @example
   * this.health.check([() => this.redis.checkAll()])
   *
   * @example the application can do without the connection `cache`
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
      // They were opened in any order, and a report should not look different after each start.
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
    const caches = users.filter(({ isBypassed }) => isBypassed).map(({ name }) => name);
    const health = await lookAt(client, options, caches);
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
        // Terminus 11 has no such state, and leaves entries out of its report that say so.
        return canBeDegraded(indicator)
          ? indicator.degraded(health.details)
          : indicator.up({ degraded: true, ...health.details });
    }
  }

  #find<T>(token: string | (abstract new (...args: never[]) => T)): T {
    return this.#moduleRef.get<T>(token, { strict: false });
  }
}

/** What the application can do without is never down. */
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
