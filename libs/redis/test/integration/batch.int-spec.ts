import { inspect } from 'node:util';
import { Injectable, Module } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Redis } from 'ioredis';
import {
  getRedisBatchToken,
  getRedisToken,
  InjectRedisBatch,
  RedisBatch,
  RedisModule,
  type BatchWriteOptions,
  type RedisClient,
} from 'nestjs-redis-data';
import { startRedis, type RedisTestServer } from 'nestjs-redis-data/testing';
import { batchFailure, manyKeys, useBatchConnections } from './support/batch-connection.js';
import {
  anyBatchOperation,
  HOSTILE_KEYS,
  settled,
  type BatchModel,
} from './support/batch-model.js';
import { caught } from './support/caught.js';
import { recordCommands } from './support/record-commands.js';

const connect = useBatchConnections();

describe('RedisBatch', () => {
  let server: RedisTestServer;
  let client: RedisClient;
  let batch: RedisBatch;
  beforeAll(async () => {
    server = await startRedis();
  });
  afterAll(() => server.stop());
  beforeEach(async () => {
    ({ client, batch } = await connect({ url: server.url }));
    await client.flushdb();
  });

  describe('getAll', () => {
    it('returns the existing values in the order of the keys, a repeated key once', async () => {
      await batch.setAll({ a: 1, b: { n: [2] }, c: 'three' });
      const found = await batch.getAll(['c', 'missing', 'a', 'c', 'b', 'a']);
      expect([...found]).toEqual([
        ['c', 'three'],
        ['a', 1],
        ['b', { n: [2] }],
      ]);
    });

    it('distinguishes a stored null from a missing key', async () => {
      await batch.setAll({ null: null, false: false, zero: 0, empty: '' });
      expect(await batch.getAll(['null', 'false', 'zero', 'empty', 'missing'])).toEqual(
        new Map<string, unknown>([
          ['null', null],
          ['false', false],
          ['zero', 0],
          ['empty', ''],
        ]),
      );
    });

    it('reads 100 keys with one command', async () => {
      await batch.setAll(new Map(manyKeys(100).map((key, i) => [key, i])));
      const { names } = recordCommands(client);
      expect((await batch.getAll(manyKeys(100))).size).toBe(100);
      expect(names()).toEqual(['mget']);
    });

    it('leaves out a key of another type', async () => {
      await client.hset('hash', 'field', 'x');
      await batch.setAll({ text: 1 });
      expect([...(await batch.getAll(['hash', 'text'])).keys()]).toEqual(['text']);
    });

    it('fails for a value that is not JSON, and returns the others', async () => {
      await batch.setAll({ a: 1, c: 3 });
      await client.set('b', '{"secret');
      const error = await batchFailure(batch.getAll(['a', 'b', 'c']));
      expect([...error.errors]).toEqual([
        ['b', expect.objectContaining({ name: 'RedisSerializationException', key: 'b' })],
      ]);
      expect([...error.results]).toEqual([
        ['a', 1],
        ['c', 3],
      ]);
      expect(inspect(error, { depth: 9 })).not.toContain('secret');
    });
  });

  describe('setAll', () => {
    it.each<[string, BatchWriteOptions | undefined, number]>([
      ['an hour by default', undefined, 3_600_000],
      ['an hour if the ttl is undefined', { ttl: undefined }, 3_600_000],
      ['what the call says', { ttl: '90s' }, 90_000],
    ])('writes value and TTL with one command each: %s', async (_, options, ttl) => {
      const { names } = recordCommands(client);
      await batch.setAll({ a: 1, b: 2 }, options);
      expect(names()).toEqual(['set', 'set']);
      for (const key of ['a', 'b']) {
        const left = await client.pttl(key);
        expect(left).toBeLessThanOrEqual(ttl);
        expect(left).toBeGreaterThan(ttl - 10_000);
      }
    });

    it("writes without a TTL only for 'forever'", async () => {
      await batch.setAll({ a: 1 }, { ttl: 'forever' });
      expect(await client.pttl('a')).toBe(-1);
      await batch.setAll({ a: 2 });
      expect(await client.pttl('a')).toBeGreaterThan(0);
    });

    it('sends 100 keys together', async () => {
      const seen = recordCommands(client);
      await batch.setAll(new Map(manyKeys(100).map((key, i) => [key, i])));
      expect(seen.mostAtOnce).toBe(100);
      expect(await client.dbsize()).toBe(100);
    });

    it('replaces a value of another type', async () => {
      await client.hset('hash', 'field', 'x');
      await batch.setAll({ hash: 1 });
      expect(await client.get('hash')).toBe('1');
    });

    it('fails for a value that JSON cannot hold, and writes the others', async () => {
      const circular: Record<string, unknown> = {};
      circular['self'] = circular;
      const error = await batchFailure(
        batch.setAll({ a: 1, b: undefined, c: 10n, d: circular, e: () => 1, f: 2 }),
      );
      expect([...error.errors.keys()]).toEqual(['b', 'c', 'd', 'e']);
      for (const [key, cause] of error.errors) {
        expect(cause).toMatchObject({ name: 'RedisSerializationException', key });
      }
      expect([...error.results]).toEqual([
        ['a', true],
        ['f', true],
      ]);
      expect([...(await batch.getAll(['a', 'b', 'c', 'd', 'e', 'f'])).keys()]).toEqual(['a', 'f']);
    });
  });

  describe('incrementAll', () => {
    it('creates counters and adds to them, in the order of the input', async () => {
      expect([...(await batch.incrementAll(['b', 'a']))]).toEqual([
        ['b', 1],
        ['a', 1],
      ]);
      expect([...(await batch.incrementAll({ a: 10, b: -3, c: 0 }))]).toEqual([
        ['a', 11],
        ['b', -2],
        ['c', 0],
      ]);
      const deltas = new Map([
        ['c', Number.MAX_SAFE_INTEGER],
        ['a', 1],
      ]);
      expect([...(await batch.incrementAll(deltas))]).toEqual([
        ['c', Number.MAX_SAFE_INTEGER],
        ['a', 12],
      ]);
      expect(await batch.getAll(['a', 'b', 'c'])).toEqual(
        new Map([
          ['a', 12],
          ['b', -2],
          ['c', Number.MAX_SAFE_INTEGER],
        ]),
      );
    });

    it('increments a repeated key for each time that it is named', async () => {
      expect([...(await batch.incrementAll(['a', 'b', 'a']))]).toEqual([
        ['a', 2],
        ['b', 1],
      ]);
    });

    it("starts a counter's TTL when it is created, and does not renew it", async () => {
      await batch.incrementAll(['a']);
      expect(await client.pttl('a')).toBeGreaterThan(3_590_000);
      await client.pexpire('a', 60_000);
      await batch.incrementAll(['a'], { ttl: '2h' });
      expect(await client.pttl('a')).toBeLessThanOrEqual(60_000);
      await client.del('a');
      await batch.incrementAll(['a'], { ttl: '2h' });
      expect(await client.pttl('a')).toBeGreaterThan(7_190_000);
    });

    it("makes a counter without a TTL only for 'forever'", async () => {
      await batch.incrementAll(['a'], { ttl: 'forever' });
      expect(await client.pttl('a')).toBe(-1);
      await batch.incrementAll(['a'], { ttl: '1h' });
      expect(await client.pttl('a')).toBe(-1);
    });

    it('sends 100 counters together', async () => {
      await batch.incrementAll(['a']); // Redis knows the script from now on
      const seen = recordCommands(client);
      await batch.incrementAll(manyKeys(100));
      expect(seen.names()).toEqual(Array.from({ length: 100 }, () => 'evalsha'));
      expect(seen.mostAtOnce).toBe(100);
    });

    it('works when Redis has forgotten the script', async () => {
      await batch.incrementAll(['a']);
      await client.script('FLUSH');
      expect([...(await batch.incrementAll(['a', 'b']))]).toEqual([
        ['a', 2],
        ['b', 1],
      ]);
    });

    it('fails for a key that holds no counter, and increments the others', async () => {
      await client.hset('hash', 'field', 'x');
      await batch.setAll({ text: 'x', fraction: 1.5 });
      const error = await batchFailure(batch.incrementAll(['a', 'hash', 'text', 'fraction', 'b']));
      expect([...error.errors]).toEqual([
        ['hash', expect.objectContaining({ name: 'RedisCommandException', reply: 'WRONGTYPE' })],
        ['text', expect.objectContaining({ name: 'RedisCommandException', reply: 'ERR' })],
        ['fraction', expect.objectContaining({ name: 'RedisCommandException', reply: 'ERR' })],
      ]);
      expect([...error.results]).toEqual([
        ['a', 1],
        ['b', 1],
      ]);
    });

    it.each([
      [Number.MAX_SAFE_INTEGER, 1],
      [Number.MAX_SAFE_INTEGER - 3, Number.MAX_SAFE_INTEGER],
      [Number.MIN_SAFE_INTEGER, -1],
    ])('refuses a sum that is beyond a safe integer, and keeps %d', async (count, delta) => {
      await batch.setAll({ a: count });
      const error = await batchFailure(batch.incrementAll({ a: delta, b: 1 }));
      expect(error.errors.get('a')).toMatchObject({
        name: 'RedisCommandException',
        reply: 'OVERFLOW',
      });
      expect([...error.results]).toEqual([['b', 1]]);
      expect(await client.get('a')).toBe(String(count));
      expect(await client.pttl('a')).toBeGreaterThan(0);
    });

    it('loses no increment of two concurrent clients', async () => {
      const other = await connect({ url: server.url });
      const keys = manyKeys(50);
      const count = async ({ incrementAll }: { incrementAll(): Promise<unknown> }) => {
        for (let i = 0; i < 20; i++) await incrementAll();
      };
      await Promise.all([
        count({ incrementAll: () => batch.incrementAll(keys) }),
        count({ incrementAll: () => other.batch.incrementAll(keys) }),
      ]);
      const counts = await batch.getAll<number>(keys);
      expect(new Set(counts.values())).toEqual(new Set([40]));
      expect(counts.size).toBe(50);
    });
  });

  describe('deleteAll', () => {
    it('returns how many keys existed, of any type, a repeated key once', async () => {
      await batch.setAll({ a: 1, b: 2, kept: 3 });
      await client.hset('hash', 'field', 'x');
      const { names } = recordCommands(client);
      expect(await batch.deleteAll(['a', 'missing', 'b', 'a', 'hash'])).toBe(3);
      expect(names()).toEqual(['unlink']);
      expect(await client.keys('*')).toEqual(['kept']);
    });
  });

  describe('with any input', () => {
    it('sends nothing for an empty input', async () => {
      const { names } = recordCommands(client);
      expect(await batch.getAll([])).toEqual(new Map());
      await batch.setAll({});
      await batch.setAll(new Map());
      expect(await batch.incrementAll([])).toEqual(new Map());
      expect(await batch.incrementAll({})).toEqual(new Map());
      expect(await batch.deleteAll([])).toBe(0);
      expect(names()).toEqual([]);
    });

    it('sends nothing if one of the keys is invalid', async () => {
      const { names } = recordCommands(client);
      for (const key of ['', undefined, 5, null] as string[]) {
        const calls = [
          batch.getAll(['a', key]),
          batch.deleteAll(['a', key]),
          batch.incrementAll(['a', key]),
          batch.setAll(
            new Map([
              ['a', 1],
              [key, 1],
            ]),
          ),
        ];
        for (const call of calls) {
          expect(await caught(call)).toMatchObject({
            name: 'RedisInvalidKeyException',
            part: 'key 2',
          });
        }
      }
      expect(names()).toEqual([]);
    });

    it('sends nothing if the ttl has no unit, and says so', async () => {
      const { names } = recordCommands(client);
      for (const ttl of [60, '60', '', null, '0s', 'Forever'] as unknown as '60s'[]) {
        for (const call of [batch.setAll({ a: 1 }, { ttl }), batch.incrementAll(['a'], { ttl })]) {
          const error = await caught(call);
          expect(error.name).toBe('RedisConfigurationException');
          expect(error.message).toMatch(/ttl=.*'250ms', '30s'.*or 'forever'/);
        }
      }
      expect(names()).toEqual([]);
      // @ts-expect-error a bare number has no unit
      await expect(batch.setAll({ a: 1 }, { ttl: 60 })).rejects.toThrow();
      expect(() => new RedisBatch(client, { defaultTtl: '5' as '5s' })).toThrow(/defaultTtl=5/);
    });

    it('sends nothing if an increment is not a whole number', async () => {
      const { names } = recordCommands(client);
      const error = await caught(batch.incrementAll({ a: 1, b: 0.1 }));
      expect(error.name).toBe('RedisConfigurationException');
      expect(error.message).toContain('the increment of "b"=0.1');
      expect(names()).toEqual([]);
    });

    it('stores hostile keys and values unchanged', async () => {
      const values = new Map<string, unknown>(
        HOSTILE_KEYS.map((key) => [key, { [key]: `${key}\ud800"\\`, list: [key, null] }]),
      );
      values.set('large', 'é'.repeat(1024 * 1024));
      const expected = [...values].map(([key, value]) => [key, JSON.stringify(value)]);
      for (const input of [values, Object.fromEntries(values)]) {
        await batch.setAll(input);
        const found = await batch.getAll([...values.keys()]);
        expect([...found].map(([key, value]) => [key, JSON.stringify(value)])).toEqual(expected);
        expect(await batch.deleteAll([...values.keys()])).toBe(values.size);
      }
      const ones = [...HOSTILE_KEYS].map((key) => [key, 1]);
      expect([...(await batch.incrementAll(HOSTILE_KEYS))]).toEqual(ones);
      expect(await client.get('__proto__')).toBe('1');
    });

    it('splits long lists into chunks, in order, and lets the event loop run in between', async () => {
      const keys = manyKeys(1_200);
      const values = new Map(keys.map((key, i) => [key, i]));
      const seen = recordCommands(client);
      await batch.setAll(values);
      expect(seen.mostAtOnce).toBe(500);
      let turns = 0;
      const turn = () => {
        if (++turns < 1_000) setImmediate(turn);
      };
      setImmediate(turn);
      expect([...(await batch.getAll(keys))]).toEqual([...values]);
      expect(turns).toBeGreaterThan(2);
      const sizes = seen.sent
        .filter(({ name }) => name === 'mget')
        .map(({ args }) => args.flat().length);
      expect(sizes).toEqual([500, 500, 200]);
      const counts = await batch.incrementAll(keys);
      expect([...counts]).toEqual(keys.map((key, i) => [key, i + 1]));
      expect(await batch.deleteAll(keys)).toBe(1_200);
    });

    it('makes smaller chunks of large values', async () => {
      const values = new Map(manyKeys(12).map((key) => [key, 'x'.repeat(100 * 1024)]));
      const seen = recordCommands(client);
      await batch.setAll(values);
      expect(seen.sent).toHaveLength(12);
      expect(seen.mostAtOnce).toBe(3);
    });

    it('adapts the size of the next chunk to the size of the values read', async () => {
      const keys = manyKeys(1_000);
      await batch.setAll(new Map(keys.map((key) => [key, 'x'.repeat(2_046)]))); // and two quotes
      const { sent } = recordCommands(client);
      expect([...(await batch.getAll(keys)).keys()]).toEqual(keys);
      const sizes = sent.map(({ args }) => args.flat().length);
      expect(sizes).toEqual([500, 128, 128, 128, 116]);
    });

    it('is not affected by later changes of its input', async () => {
      const keys = manyKeys(1_500);
      const values = new Map(keys.map((key) => [key, 1]));
      const writing = batch.setAll(values);
      values.clear();
      await writing;
      const reading = batch.getAll(keys);
      keys.length = 0;
      expect((await reading).size).toBe(1_500);
    });

    it('gives the same results as a Map, for any operations in any order', async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(anyBatchOperation, { maxLength: 15 }), async (operations) => {
          await client.flushdb();
          const model: BatchModel = new Map();
          for (const { real, expected } of operations) {
            expect(await settled(real(batch))).toEqual(expected(model));
          }
          for (const [key, text] of model) expect(await client.get(key)).toBe(text);
          expect(await client.dbsize()).toBe(model.size);
        }),
        { numRuns: server.kind === 'real' ? 150 : 15 }, // the embedded server is slower by far
      );
    });
  });

  describe('on a plain ioredis client', () => {
    it('translates its errors, and returns numbers for its strings', async () => {
      const plain = new Redis(server.port, server.host, { stringNumbers: true });
      try {
        const plainBatch = new RedisBatch(plain, { defaultTtl: '10m' });
        await plain.hset('hash', 'field', 'x');
        const error = await batchFailure(plainBatch.incrementAll(['a', 'hash']));
        expect(error.errors.get('hash')).toMatchObject({ reply: 'WRONGTYPE' });
        expect([...error.results]).toEqual([['a', 1]]);
        const left = await client.pttl('a');
        expect(left).toBeGreaterThan(590_000);
        expect(left).toBeLessThanOrEqual(600_000);
        expect(await plainBatch.deleteAll(['a', 'hash', 'missing'])).toBe(2);
      } finally {
        plain.disconnect();
      }
    });

    it('fails with a RedisConnectionException for each key once it is closed', async () => {
      const plain = new Redis(server.port, server.host);
      await plain.quit();
      const plainBatch = new RedisBatch(plain);
      const error = await batchFailure(plainBatch.setAll({ a: 1, b: 2 }));
      expect([...error.errors.values()].map(({ name }) => name)).toEqual([
        'RedisConnectionException',
        'RedisConnectionException',
      ]);
      expect(error.results.size).toBe(0);
    });
  });

  describe('in an application', () => {
    const applicationOf = async (...imports: ReturnType<typeof RedisModule.forRoot>[]) => {
      @Injectable()
      class Consumer {
        constructor(
          readonly byClass: RedisBatch,
          @InjectRedisBatch() readonly byDecorator: RedisBatch,
          @InjectRedisBatch('archive') readonly archive: RedisBatch,
        ) {}
      }
      @Module({ providers: [Consumer] })
      class FeatureModule {}
      const app = await Test.createTestingModule({
        imports: [...imports, FeatureModule],
      }).compile();
      await app.init();
      return { app, consumer: app.get(Consumer, { strict: false }) };
    };

    it("is injectable by class and by connection, with the connection's default TTL", async () => {
      const { app, consumer } = await applicationOf(
        RedisModule.forRoot({ url: server.url, startup: 'require', defaultTtl: '5m' }),
        RedisModule.forRoot({
          name: 'archive',
          url: server.url,
          db: 1,
          startup: 'require',
          defaultTtl: 'forever',
        }),
      );
      try {
        expect(consumer.byDecorator).toBe(consumer.byClass);
        expect(app.get(getRedisBatchToken('archive'), { strict: false })).toBe(consumer.archive);
        await consumer.byClass.setAll({ a: 1 });
        await consumer.byClass.incrementAll(['b']);
        for (const key of ['a', 'b']) {
          expect(await client.pttl(key)).toBeGreaterThan(290_000);
          expect(await client.pttl(key)).toBeLessThanOrEqual(300_000);
        }
        await consumer.archive.setAll({ a: 'archived' });
        expect(await consumer.byClass.getAll(['a'])).toEqual(new Map([['a', 1]]));
        const archive = app.get<Redis>(getRedisToken('archive'), { strict: false });
        expect(await archive.pttl('a')).toBe(-1);
      } finally {
        await app.close();
      }
    });

    it('uses the client with which a test replaces the real one', async () => {
      const stub = { mget: (keys: string[]) => Promise.resolve(keys.map((key) => `"${key}!"`)) };
      const app = await Test.createTestingModule({
        imports: [RedisModule.forRoot({ host: 'nowhere.invalid' })],
      })
        .overrideProvider(getRedisToken())
        .useValue(stub)
        .compile();
      await app.init();
      expect(await app.get(RedisBatch, { strict: false }).getAll(['a'])).toEqual(
        new Map([['a', 'a!']]),
      );
      await app.close();
    });
  });
});
