import { inspect } from 'node:util';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { TerminusModule } from '@nestjs/terminus';
import { IORedisInstrumentation } from '@opentelemetry/instrumentation-ioredis';
import { expect, it } from '@jest/globals';
import fc from 'fast-check';
import * as ioredis from 'ioredis';
import { Registry } from 'prom-client';
import { getRedisToken, RedisModule, type RedisClient } from 'nestjs-redis-data';
import { RedisHealthIndicator } from 'nestjs-redis-data/health';
import { RedisMetricsModule } from 'nestjs-redis-data/metrics';
import { startRedis } from 'nestjs-redis-data/testing';
import { RedisTracingModule } from 'nestjs-redis-data/tracing';
import { describeWithRealRedis } from '../../../../test/support/real-redis.js';
import { translateError } from '../../src/connection/driver/failures/translate-error.js';
import { describeConfiguration } from '../../src/embedded/resolve-redis.js';
import { redisOptionsFromEnvironment } from '../../src/connection/options/environment.js';
import type { RedisModuleOptions } from '../../src/connection/options/options.js';
import { resolveOptions } from '../../src/connection/options/resolve-options.js';
import { caught } from './support/caught.js';
import { recordTraces } from './support/traces.js';

/** No text of ours has these letters in capitals, so that what holds one of them is the password's. */
const LETTERS = ['Q', 'X', 'Z', 'J'];
const SIGNS = `:/?#@[]%&=+\\ ,;'"!$()*~^4711`.split('');
const ANYTHING = [...LETTERS, ...SIGNS, '%2F', '%zz', 'é', '\t', '\n'];

const password = fc
  .array(fc.constantFrom(...ANYTHING), { minLength: 2, maxLength: 12 })
  .chain((parts) =>
    fc
      .nat(parts.length)
      .chain((at) =>
        fc
          .constantFrom(...LETTERS)
          .map((letter) => [...parts.slice(0, at), letter, ...parts.slice(at)].join('')),
      ),
  );
const url = fc
  .record({
    scheme: fc.constantFrom(
      'redis://',
      'rediss://',
      'unix://',
      'REDIS://',
      'redis:/',
      'redis:',
      '',
    ),
    user: fc.constantFrom('', 'default', 'me%40home', '4711'),
    password,
    encode: fc.boolean(),
    target: fc.constantFrom(
      'host',
      'host:6379',
      '[::1]:6379',
      'host:99999',
      '/run/redis.sock',
      '',
      ':',
    ),
    rest: fc.constantFrom('', '/', '/2', '/first', '?family=4', '?db=1', '/2?family=9', '#x'),
  })
  .map(({ scheme, user, password: secret, encode, target, rest }) => ({
    url: `${scheme}${user}:${encode ? encodeURIComponent(secret) : secret}@${target}${rest}`,
    secret,
  }));

/** Parts of three characters that only the password can have brought there. */
function leaked(printed: string, secret: string): string[] {
  const written = [secret, encodeURIComponent(secret), JSON.stringify(secret).slice(1, -1)];
  return written
    .flatMap((text) => Array.from({ length: text.length - 2 }, (_, i) => text.slice(i, i + 3)))
    .filter((part) => LETTERS.some((letter) => part.includes(letter)) && printed.includes(part));
}

function printed(work: () => unknown): string {
  try {
    const made = work();
    return inspect(made, { depth: 9 }) + JSON.stringify(made);
  } catch (error) {
    return `${inspect(error, { depth: 9 })}${JSON.stringify(error)}${(error as Error).stack}`;
  }
}

it.each<[string, (url: string) => unknown]>([
  ['the option url', (text) => resolveOptions({ url: text })],
  ['the option host', (text) => resolveOptions({ host: text })],
  ['the option path', (text) => resolveOptions({ path: text })],
  ['the options themselves', (text) => resolveOptions(text as RedisModuleOptions)],
  [
    'a start node of a cluster',
    (text) => resolveOptions({ clusterNodes: [{ host: text, port: 1 }] }),
  ],
  [
    'a text instead of a list of sentinels',
    (text) => resolveOptions({ sentinels: text, sentinelName: 'x' } as never),
  ],
  [
    'REDIS_URL',
    (text) => ({ ...redisOptionsFromEnvironment({ REDIS_URL: text }), url: undefined }),
  ],
  [
    'variables of addresses',
    (text) => redisOptionsFromEnvironment({ REDIS_SENTINELS: text, REDIS_CLUSTER_NODES: text }),
  ],
  [
    'other variables',
    (text) =>
      redisOptionsFromEnvironment({
        REDIS_PORT: text,
        REDIS_TLS: text,
        REDIS_COMMAND_TIMEOUT: text,
      }),
  ],
  ['the description of REDIS_URL', (text) => describeConfiguration({ REDIS_URL: text })],
  ['the description of REDIS_HOST', (text) => describeConfiguration({ REDIS_HOST: text })],
  [
    'the description of REDIS_CLUSTER_NODES',
    (text) => describeConfiguration({ REDIS_CLUSTER_NODES: text }),
  ],
])('prints no part of the password in a hostile URL given as %s', (_, use) => {
  fc.assert(
    fc.property(url, ({ url: text, secret }) => {
      expect(
        leaked(
          printed(() => use(text)),
          secret,
        ),
      ).toEqual([]);
    }),
    { numRuns: 150, examples: [[{ url: 'redis://default:Q711?x@host', secret: 'Q711?x' }]] },
  );
});

it('finds a leaked password', () => {
  expect(leaked('redis://default:Q711?***', 'Q711?x')).toContain('Q71');
});

describeWithRealRedis('on a real server', () => {
  it('prints no part of a password in an exception, the log, health, metrics or traces', async () => {
    const instrumentation = new IORedisInstrumentation();
    const [definition] = instrumentation.getModuleDefinitions();
    const traces = recordTraces();
    definition?.patch?.(ioredis.Redis, '');
    const server = await startRedis({ password: 'first', args: [] });
    const admin = new ioredis.Redis(server.url);
    try {
      const runs = fc.asyncProperty(password, async (secret) => {
        await admin.config('SET', 'requirepass', secret);
        const right = encodeURIComponent(secret);
        const wrong = encodeURIComponent(`${secret}${LETTERS.join('')}`);
        for (const given of [right, wrong, `nobody:${right}`]) {
          const userinfo = given.includes(':') ? given : `:${given}`;
          const seen = await everythingSeen(`redis://${userinfo}@127.0.0.1:${server.port}`);
          expect(leaked(seen, `${secret}${LETTERS.join('')}`)).toEqual([]);
        }
        const spans = traces
          .spans()
          .map(({ name, attributes, events }) => [name, attributes, events]);
        expect(leaked(inspect(spans, { depth: 9 }), secret)).toEqual([]);
      });
      await fc.assert(runs, { numRuns: 5 });
    } finally {
      admin.disconnect();
      definition?.unpatch?.(ioredis.Redis, '');
      await traces.stop();
      await server.stop();
    }
  });
});

/** What people could see of an application with this URL. */
async function everythingSeen(url: string): Promise<string> {
  const seen: unknown[] = [];
  const registry = new Registry();
  const note = (...lines: unknown[]) => seen.push(...lines);
  @Module({
    imports: [
      TerminusModule.forRoot({ logger: false }),
      RedisMetricsModule.forRoot({ registry }),
      RedisTracingModule,
      RedisModule.forRoot({ url, startup: 'background', logging: { successes: true } }),
    ],
    providers: [RedisHealthIndicator],
  })
  class AppModule {}
  const logger = { log: note, error: note, warn: note, debug: note, verbose: note, fatal: note };
  const app = await NestFactory.createApplicationContext(AppModule, { logger });
  const client = app.get<RedisClient>(getRedisToken());
  const outcome = await caught(client.lpush('k', 'v')).catch((error: unknown) => error);
  note(outcome, translateError(outcome));
  note(await app.get(RedisHealthIndicator).isHealthy('redis'));
  note(await registry.metrics());
  await app.close();
  return seen.map((one) => inspect(one, { depth: 4 })).join('\n');
}
