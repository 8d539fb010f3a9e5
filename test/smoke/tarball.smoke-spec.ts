import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ScratchConsumer } from './support/scratch-consumer.js';

describe.each(['module', 'commonjs'] as const)(
  'the packed library, in a %s application',
  (type) => {
    let consumer: ScratchConsumer;

    beforeAll(async () => {
      consumer = await ScratchConsumer.install(type);
    });

    afterAll(() => {
      consumer.remove();
    });

    it('type-checks, boots, writes and reads a key, and leaves nothing open', async () => {
      await consumer.compile();

      expect(JSON.parse(await consumer.run())).toEqual({
        key: 'user:consumer:smoke:1',
        value: 'Ada',
        entryPoints: ['function', 'function', 'function'],
        packed: { at: '1970-01-01T00:00:00.005Z' },
        counted: true,
      });
    });
  },
);
