import { describe, expect, it, jest } from '@jest/globals';
import type { ModuleRef } from '@nestjs/core';
import { HealthIndicatorService } from '@nestjs/terminus';
import { ClientRegistry } from '../connection/client.registry.js';
import { CacheRegistry } from '../nest/cache/cache.registry.js';
import { getRedisToken } from '../nest/redis.tokens.js';
import { Telemetry } from '../telemetry/telemetry.js';
import { RedisHealthIndicator } from './redis.health-indicator.js';

const clients = new ClientRegistry(new Telemetry());

function indicatorOf(client: object, terminus = new HealthIndicatorService()) {
  const found = new Map<unknown, unknown>([
    [ClientRegistry, clients],
    [CacheRegistry, new CacheRegistry(clients, new Telemetry())],
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
