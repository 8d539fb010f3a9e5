import { describe, expect, it, jest } from '@jest/globals';
import type { ModuleRef } from '@nestjs/core';
import { HealthIndicatorService } from '@nestjs/terminus';
import { Connections } from '../connection/connections.js';
import { getRedisToken } from '../nest/redis.tokens.js';
import { Telemetry } from '../telemetry/telemetry.js';
import { RedisHealthIndicator } from './redis.health-indicator.js';

const clients = new Connections(new Telemetry());

function indicatorOf(
  client: object,
  terminus = new HealthIndicatorService(),
  registry: object = clients,
) {
  const found = new Map<unknown, unknown>([
    [Connections, registry],
    [getRedisToken(), client],
  ]);
  const moduleRef = { get: (token: unknown) => found.get(token) };
  return new RedisHealthIndicator(terminus, moduleRef as unknown as ModuleRef);
}

const full = {
  status: 'ready',
  options: {},
  ping: () => Promise.resolve('PONG'),
  info: (section: string) =>
    Promise.resolve(
      section === 'memory' ? 'used_memory:99\r\nmaxmemory:100\r\n' : 'role:master\r\n',
    ),
};

describe('RedisHealthIndicator', () => {
  it('says degraded where terminus knows the word', async () => {
    expect(await indicatorOf(full).isHealthy()).toEqual({
      redis: {
        status: 'degraded',
        role: 'primary',
        usedMemoryBytes: 99,
        maxMemoryBytes: 100,
        memoryRatio: 0.99,
        reasons: ['the memory is nearly full'],
      },
    });
  });

  it('says up and degraded to terminus 11, which would leave out what it does not know', async () => {
    const session = (key: string) => ({
      up: (data: object) => ({ [key]: { ...data, status: 'up' } }),
      down: (data: object) => ({ [key]: { ...data, status: 'down' } }),
    });
    const terminus11 = { check: session } as unknown as HealthIndicatorService;
    expect(await indicatorOf(full, terminus11).isHealthy('db')).toMatchObject({
      db: { status: 'up', degraded: true, reasons: ['the memory is nearly full'] },
    });
  });

  it('is content with a test double that can only be pinged, and says what it did not see', async () => {
    const double = { status: 'ready', options: {}, ping: full.ping };
    expect(await indicatorOf(double).isHealthy()).toEqual({
      redis: { status: 'up', notChecked: ['memory', 'replication'] },
    });
  });

  it('knows that sentinels were asked for a replica', async () => {
    const replica = {
      ...full,
      options: { role: 'slave' },
      info: () => Promise.resolve('role:slave\r\nmaster_link_status:up\r\nused_memory:1\r\n'),
    };
    const indicator = indicatorOf(replica);
    expect(await indicator.isHealthy()).toMatchObject({ redis: { status: 'up', role: 'replica' } });
    expect(await indicator.isHealthy('redis', { replica: false })).toMatchObject({
      redis: { status: 'degraded' },
    });
  });

  describe('of an application that can do without Redis', () => {
    const away = { status: 'reconnecting', options: {} };
    const registered = (named: Readonly<Record<string, object>>) => {
      const injected = new Map(Object.entries(named).map(([name, client]) => [name, { client }]));
      return indicatorOf(full, new HealthIndicatorService(), { injected, usersOf: () => [] });
    };

    it('says degraded while it is away, and why', async () => {
      expect(await indicatorOf(away).isHealthy('cache', { optional: true })).toEqual({
        cache: { status: 'degraded', optional: true, reasons: ['not connected (reconnecting)'] },
      });
      expect(await indicatorOf(away).isHealthy('cache', { optional: false })).toMatchObject({
        cache: { status: 'down' },
      });
    });

    it('says the same of it as of any other while it is there', async () => {
      expect(await indicatorOf(full).isHealthy('cache', { optional: true })).toMatchObject({
        cache: { status: 'degraded', optional: true, reasons: ['the memory is nearly full'] },
      });
    });

    it('knows which of several connections are optional', async () => {
      const all = registered({ default: away, cache: away });
      expect(await all.checkAll('redis', { optional: ['cache'] })).toMatchObject({
        redis: { status: 'down' },
        'redis:cache': { status: 'degraded', optional: true },
      });
      expect(await all.checkAll('redis', { optional: true })).toMatchObject({
        redis: { status: 'degraded' },
        'redis:cache': { status: 'degraded' },
      });
      expect(await all.checkAll('redis', { optional: [] })).toMatchObject({
        redis: { status: 'down' },
        'redis:cache': { status: 'down' },
      });
    });

    it('refuses the name of a connection that does not exist', async () => {
      const all = registered({ default: away, cache: away });
      await expect(all.checkAll('redis', { optional: ['cache', 'cahce'] })).rejects.toMatchObject({
        problems: [
          { setting: 'optional', value: 'cahce', accepted: 'names of connections: default, cache' },
        ],
      });
    });
  });

  it('asks once for all who ask before it is answered, and again afterwards', async () => {
    let answer!: (text: string) => void;
    const ping = jest.fn(() => new Promise<string>((resolve) => (answer = resolve)));
    const indicator = indicatorOf({ ...full, ping });
    const late = await indicator.isHealthy('redis', { timeout: '5ms' });
    expect(late).toEqual({ redis: { status: 'down', message: 'no answer in time' } });
    const probes = [indicator.isHealthy(), indicator.isHealthy()];
    expect(ping).toHaveBeenCalledTimes(1);
    answer('PONG');
    expect(await Promise.all(probes)).toMatchObject([
      { redis: { status: 'degraded' } },
      { redis: { status: 'degraded' } },
    ]);
    void indicator.isHealthy();
    expect(ping).toHaveBeenCalledTimes(2);
    answer('PONG');
  });

  it.each([0, -0.1, 1.01, Number.NaN, '90%' as unknown as number])(
    'refuses the memory threshold %p',
    async (memoryThreshold) => {
      await expect(indicatorOf(full).isHealthy('redis', { memoryThreshold })).rejects.toMatchObject(
        {
          name: 'RedisConfigurationException',
          message: expect.stringContaining(`memoryThreshold=${memoryThreshold}`),
        },
      );
    },
  );
});
