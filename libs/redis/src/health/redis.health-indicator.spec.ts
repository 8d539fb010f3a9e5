import { describe, expect, it, jest } from '@jest/globals';
import type { ModuleRef } from '@nestjs/core';
import { HealthIndicatorService } from '@nestjs/terminus';
import type { Command } from 'ioredis';
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

/** The answers of a server to PING, INFO memory and INFO replication; an error rejects. */
interface ServerAnswers {
  readonly ping: () => Promise<string>;
  readonly memory: string | Error;
  readonly replication: string | Error;
}

const FULL: ServerAnswers = {
  ping: () => Promise.resolve('PONG'),
  memory: 'used_memory:99\r\nmaxmemory:100\r\n',
  replication: 'role:master\r\n',
};

/** A connected client whose server gives these answers. */
function clientOf(answers: ServerAnswers, options: object = {}) {
  const answerTo = ({ name, args }: Command): Promise<string> => {
    if (name === 'ping') return answers.ping();
    const answer = args[0] === 'memory' ? answers.memory : answers.replication;
    return typeof answer === 'string' ? Promise.resolve(answer) : Promise.reject(answer);
  };
  const sendCommand = (command: Command) => {
    answerTo(command).then(command.resolve, command.reject);
  };
  return { status: 'ready', options, sendCommand };
}

const full = clientOf(FULL);

describe('RedisHealthIndicator', () => {
  it('says degraded to a terminus that knows this state', async () => {
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

  it('says up with degraded: true to terminus 11, which would leave out an unknown state', async () => {
    const session = (key: string) => ({
      up: (data: object) => ({ [key]: { ...data, status: 'up' } }),
      down: (data: object) => ({ [key]: { ...data, status: 'down' } }),
    });
    const terminus11 = { check: session } as unknown as HealthIndicatorService;
    expect(await indicatorOf(full, terminus11).isHealthy('db')).toMatchObject({
      db: { status: 'up', degraded: true, reasons: ['the memory is nearly full'] },
    });
  });

  it('says up for a server that forbids INFO, and names what it did not check', async () => {
    const forbidden = Object.assign(new Error('NOPERM no permissions'), { name: 'ReplyError' });
    const client = clientOf({ ...FULL, memory: forbidden, replication: forbidden });
    expect(await indicatorOf(client).isHealthy()).toEqual({
      redis: { status: 'up', notChecked: ['memory', 'replication'] },
    });
  });

  it('accepts a replica if the sentinels were asked for one', async () => {
    const replica = clientOf(
      {
        ...FULL,
        memory: 'used_memory:1\r\n',
        replication: 'role:slave\r\nmaster_link_status:up\r\n',
      },
      { role: 'slave' },
    );
    const indicator = indicatorOf(replica);
    expect(await indicator.isHealthy()).toMatchObject({ redis: { status: 'up', role: 'replica' } });
    expect(await indicator.isHealthy('redis', { replica: false })).toMatchObject({
      redis: { status: 'degraded' },
    });
  });

  describe('with optional connections', () => {
    const away = { status: 'reconnecting', options: {} };
    const registered = (named: Readonly<Record<string, object>>) => {
      const injected = new Map(Object.entries(named).map(([name, client]) => [name, { client }]));
      return indicatorOf(full, new HealthIndicatorService(), { injected, usersOf: () => [] });
    };

    it('says degraded while an optional connection is down, and why', async () => {
      expect(await indicatorOf(away).isHealthy('cache', { optional: true })).toEqual({
        cache: { status: 'degraded', optional: true, reasons: ['not connected (reconnecting)'] },
      });
      expect(await indicatorOf(away).isHealthy('cache', { optional: false })).toMatchObject({
        cache: { status: 'down' },
      });
    });

    it('checks an optional connection like any other while it is connected', async () => {
      expect(await indicatorOf(full).isHealthy('cache', { optional: true })).toMatchObject({
        cache: { status: 'degraded', optional: true, reasons: ['the memory is nearly full'] },
      });
    });

    it('takes the names of the optional connections', async () => {
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

  it('sends one ping for all probes until it is answered, then a new one', async () => {
    let answer!: (text: string) => void;
    const ping = jest.fn(() => new Promise<string>((resolve) => (answer = resolve)));
    const indicator = indicatorOf(clientOf({ ...FULL, ping }));
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
