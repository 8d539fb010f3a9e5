import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ScratchConsumer } from './support/scratch-consumer.js';

/** Packages that the guide tells users to install. */
const packages = [
  '@opentelemetry/instrumentation',
  '@opentelemetry/instrumentation-http',
  '@opentelemetry/instrumentation-ioredis',
  '@opentelemetry/sdk-trace-node',
];

const [, instrumentation = ''] =
  /^```js\n(\/\/ instrumentation\.mjs\n[^]*?)^```$/m.exec(
    readFileSync('docs/guide/tracing.md', 'utf8'),
  ) ?? [];

describe.each(['module', 'commonjs'] as const)(
  'the instrumentation of the guide, in a %s application',
  (type) => {
    let consumer: ScratchConsumer;

    beforeAll(async () => {
      consumer = await ScratchConsumer.install(type, { program: 'traced', packages });
      consumer.write('instrumentation.mjs', instrumentation);
      await consumer.compile();
    });

    afterAll(() => {
      consumer.remove();
    });

    it('prints one trace from the request through the load of the cache to the command', async () => {
      const printed = await consumer.run('--import', './instrumentation.mjs');

      const spans = [...printed.matchAll(/^ {2}traceId: '(\w+)',\n[^]*?^ {2}name: '([^']+)'/gm)];
      const names = spans.map(([, , name]) => name);
      expect(names).toEqual(expect.arrayContaining(['mget', 'hgetall', 'redis.cache.load']));
      expect(names.at(-1)).toBe('request');
      expect(new Set(spans.map(([, traceId]) => traceId)).size).toBe(1);
    });

    it('is not needed: without it the application runs as well', async () => {
      expect(await consumer.run()).toBe('');
    });
  },
);
