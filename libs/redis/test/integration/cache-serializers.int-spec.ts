import { deflateSync } from 'node:zlib';
import { describe, expect, it, jest } from '@jest/globals';
import { msgpackSerializer } from 'nestjs-redis-data/msgpack';
import { CacheKeys } from '../../src/cache/cache-keys.js';
import type { CacheKey, RedisCacheOptions } from '../../src/cache/cache-options.js';
import { compressed, jsonSerializer, type CacheSerializer } from '../../src/index.js';
import { listenedCache } from './support/cache-stage.js';
import { caught } from './support/caught.js';
import { heldLoader } from './support/latch.js';
import { onEveryTopology, type Stage } from './support/repository-servers.js';

const EVERY_BYTE = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));

/** Bytes as they are. */
const raw: CacheSerializer<Buffer> = {
  name: 'raw',
  serialize: (value) => value,
  deserialize: (body) => Buffer.from(body),
};
const short: CacheSerializer<string> = {
  name: 'short',
  serialize: (value) => value.toUpperCase(),
  deserialize: (body) => body.toString().toLowerCase(),
};

/** Caches of as many processes as a test wants, with the same keys, and where they keep what. */
function fleetOn(stage: Stage) {
  const keys = stage.keys();
  return {
    keys,
    start: (options: RedisCacheOptions = {}) => listenedCache(stage.client, keys, options),
    entry: (key: CacheKey) => new CacheKeys(keys, 'default').of(key).entry,
  };
}

const report = () => ({
  at: new Date(5),
  by: new Map([['a', new Set([1n])]]),
  bytes: EVERY_BYTE,
  none: undefined,
});

onEveryTopology((stage) => {
  describe('The output of a serializer', () => {
    it.each([
      ['each possible byte', EVERY_BYTE],
      ['nothing', Buffer.alloc(0)],
      ['line breaks', Buffer.from('\n\r\n\n')],
      ['bytes that look like an entry', Buffer.from(`c1v${'x'.repeat(22)}${'0'.repeat(46)}`)],
      ['bytes that are no text', Buffer.from([0xff, 0xfe, 0xc0, 0x80, 0xed, 0xa0, 0x80])],
      ['a megabyte', Buffer.alloc(2 ** 20, EVERY_BYTE)],
    ])('is stored unchanged: %s', async (_, bytes) => {
      const { cache } = fleetOn(stage).start({ serializer: raw });
      const tags = ['t', 'ü'];
      const find = async () => {
        const options = { tags, dependsOn: ['foreign'] };
        const { value, status } = await cache.resolve('x', () => bytes, options);
        return value.equals(bytes) ? status : 'different'; // toEqual takes seconds for a megabyte
      };
      expect([await find(), await find()]).toEqual(['miss', 'hit']);
      expect((await cache.get<Buffer>('x'))?.equals(bytes)).toBe(true);
      await cache.invalidateTags('ü');
      expect(await find()).toBe('miss');
      await cache.set('x', bytes);
      expect((await cache.get<Buffer>('x'))?.equals(bytes)).toBe(true);
      expect(await cache.delete('x')).toBe(true);
    });

    it('is read with the serializer of the cache, or with that of the call', async () => {
      const fleet = fleetOn(stage);
      const { cache } = fleet.start({ serializer: msgpackSerializer });
      const first = await cache.getOrLoad('x', report);
      expect([first, await cache.get('x')]).toEqual([report(), report()]);
      const serializer = short;
      expect(await cache.getOrLoad('y', () => 'text', { serializer })).toBe('text');
      expect(await cache.get('y', { serializer })).toBe('text');
      expect((await stage.client.get(fleet.entry('y')))?.endsWith('TEXT')).toBe(true);
      await cache.set('z', 'set', { serializer });
      expect(await cache.get('z', { serializer })).toBe('set');
      expect(await cache.get('z')).toBeUndefined();
    });

    it('is not used for null and undefined', async () => {
      const refusing: CacheSerializer<unknown> = {
        name: 'refusing',
        serialize: () => {
          throw new Error('asked');
        },
        deserialize: () => 'asked',
      };
      const { cache } = fleetOn(stage).start({ serializer: refusing, negativeTtl: '1m' });
      for (const none of [null, undefined]) {
        const find = () => cache.resolve(['x', `${none}`], () => none);
        expect([await find(), await find()]).toMatchObject([
          { value: none, status: 'miss' },
          { value: none, status: 'negative' },
        ]);
      }
      expect(await fleetOn(stage).start().cache.get('x')).toBeUndefined();
    });

    it('is the body of an entry, whose form as JSON has not changed', async () => {
      const fleet = fleetOn(stage);
      const head = `${'x'.repeat(22)}${'0'.repeat(26)}${'1'.repeat(13)}0000000`;
      await stage.client.set(fleet.entry('x'), `c1v${head}{"a":"é"}`, 'PX', 60_000);
      expect(await fleet.start().cache.get('x')).toEqual({ a: 'é' });
      await fleet.start().cache.set('y', { a: 'é' });
      expect(await stage.client.get(fleet.entry('y'))).toMatch(/^c1v[\w-]{22}\d{46}\{"a":"é"\}$/);
    });

    it('is refused if the serializer has no valid name, by the cache and by each call', async () => {
      const { cache } = fleetOn(stage).start();
      const loader = jest.fn(() => 'x');
      for (const name of [undefined, '', 'a b', 'a\nb', 'é', 'x'.repeat(65)]) {
        const serializer = { ...short, name: name as string };
        const error = await caught(cache.getOrLoad('x', loader, { serializer }));
        expect(error).toHaveProperty('name', 'RedisConfigurationException');
        expect(error.message).toContain('serializer');
        expect(await caught(cache.get('x', { serializer }))).toEqual(error);
        expect(() => fleetOn(stage).start({ serializer })).toThrow('cache "default": serializer');
      }
      expect(loader).not.toHaveBeenCalled();
    });
  });

  describe('An entry of another serializer', () => {
    it.each<[string, CacheSerializer<unknown>, CacheSerializer<unknown>]>([
      ['JSON and MessagePack', jsonSerializer, msgpackSerializer],
      ['JSON and compressed JSON', jsonSerializer, compressed()],
      ['MessagePack and a compressed one', msgpackSerializer, compressed(msgpackSerializer)],
      ['two texts', short, jsonSerializer],
    ])('is loaded again, by old processes and by new ones: %s', async (_, before, after) => {
      const fleet = fleetOn(stage);
      const old = fleet.start({ serializer: before, staleFor: '1m', failSafe: '1m' });
      const next = fleet.start({ serializer: after, staleFor: '1m', failSafe: '1m' });
      const find = ({ cache }: typeof old, value: string, serializer = {}) =>
        cache.resolve('x', () => value, { tags: ['t'], ...serializer });
      expect(await find(old, 'a')).toMatchObject({ value: 'a', status: 'miss' });
      expect(await next.cache.get('x')).toBeUndefined();
      expect(await find(next, 'b')).toMatchObject({ value: 'b', status: 'miss' });
      expect(await find(next, 'c')).toMatchObject({ value: 'b', status: 'hit' });
      expect(await find(old, 'd')).toMatchObject({ value: 'd', status: 'miss' });
      const failing = () => Promise.reject(new Error('no source'));
      expect(await caught(next.cache.getOrLoad('x', failing, { tags: ['t'] }))).toMatchObject({
        message: 'no source', // and not what the old one has stored
      });
      expect(await find(next, 'e', { serializer: before })).toMatchObject({ value: 'd' });
      expect([...old.of('cache.corrupt'), ...next.of('cache.corrupt')]).toEqual([]);
    });

    it('is not shared by concurrent callers of the same key', async () => {
      const { cache } = fleetOn(stage).start();
      const held = heldLoader(() => 'json');
      const first = cache.getOrLoad('x', held.load);
      await held.hasRead;
      const second = cache.getOrLoad('x', () => 'Short', { serializer: short });
      const third = cache.getOrLoad('x', () => 'more json');
      // Answered after what those two ask: whether they may share the load is decided then.
      for (let i = 0; i < 3; i++) await cache.get('x');
      held.finish();
      expect(await Promise.all([first, second, third])).toEqual(['json', 'short', 'json']);
      const together = ['a', 'b'].map((value) =>
        Promise.all([
          cache.getOrLoad(['y', value], () => value),
          cache.getOrLoad(['y', value], () => value, { serializer: short }),
        ]),
      );
      expect(await Promise.all(together)).toEqual([
        ['a', 'a'],
        ['b', 'b'],
      ]);
    });

    it('does not block a caller: after waiting for another process it loads itself', async () => {
      const fleet = fleetOn(stage);
      const held = heldLoader(() => 'json');
      const first = fleet.start().cache.getOrLoad('x', held.load);
      await held.hasRead;
      const other = fleet.start({ serializer: msgpackSerializer });
      const second = other.cache.resolve('x', () => 'msgpack');
      held.finish();
      expect(await first).toBe('json');
      expect(await second).toMatchObject({ value: 'msgpack', status: 'miss' });
    });
  });

  describe('A damaged body in Redis', () => {
    const deflated = (bytes: Buffer, length: number) => {
      const head = Buffer.of(1, 0, 0, 0, 0);
      head.writeUInt32BE(length, 1);
      return Buffer.concat([head, deflateSync(bytes)]);
    };
    const bomb = deflateSync(Buffer.alloc(20 * 2 ** 20));
    it.each<[string, CacheSerializer<unknown>, Buffer]>([
      ['MessagePack that ends too early', msgpackSerializer, Buffer.of(0x92, 1)],
      ['MessagePack that goes on', msgpackSerializer, Buffer.of(1, 2)],
      ['no MessagePack at all', msgpackSerializer, Buffer.alloc(0)],
      ['an unknown kind of compression', compressed(), Buffer.from('\u0002"x"')],
      ['nothing to decompress', compressed(), Buffer.alloc(0)],
      ['a torn length', compressed(), Buffer.of(1, 0, 0)],
      ['torn compression', compressed(), deflated(EVERY_BYTE, 256).subarray(0, 100)],
      ['a body shorter than its length', compressed(), deflated(Buffer.from('"x"'), 4)],
      ['a body longer than its length', compressed(), deflated(bomb, 1_000)],
      ['a length above all limits', compressed(), deflated(Buffer.from('"x"'), 2 ** 31)],
      ['JSON that is none', compressed(), Buffer.from('\u0000{"a"')],
    ])('counts as a miss, is announced and overwritten: %s', async (_, serializer, body) => {
      const fleet = fleetOn(stage);
      const { cache, of } = fleet.start({ serializer, failSafe: '1m' });
      const head = `c1s${'x'.repeat(22)}${'0'.repeat(26)}${'1'.repeat(13)}0000000`;
      const stored = Buffer.concat([Buffer.from(`${head}${serializer.name}\n`), body]);
      await stage.client.set(fleet.entry('x'), stored, 'PX', 60_000);
      expect(await cache.get('x')).toBeUndefined();
      expect(of('cache.corrupt')).toHaveLength(1);
      const failing = () => Promise.reject(new Error('no source'));
      expect((await caught(cache.getOrLoad('x', failing))).message).toBe('no source');
      const find = () => cache.resolve('x', () => 'value');
      expect(await find()).toMatchObject({ value: 'value', status: 'miss' });
      expect(await find()).toMatchObject({ value: 'value', status: 'hit' });
    });
  });

  describe('Compression', () => {
    const words = (bytes: number) => 'the quick brown fox '.repeat(bytes / 20);

    it('compresses large values, and leaves small ones unchanged', async () => {
      const fleet = fleetOn(stage);
      const { cache } = fleet.start({ serializer: compressed(jsonSerializer, { above: 1_000 }) });
      const sizeOf = async (key: string, value: unknown) => {
        await cache.set(key, value);
        expect(await cache.get(key)).toEqual(value);
        return stage.client.strlen(fleet.entry(key));
      };
      expect(await sizeOf('large', words(10_000))).toBeLessThan(1_000);
      expect(await sizeOf('at the limit', words(980) + 'x'.repeat(18))).toBeGreaterThan(1_000);
      expect(await sizeOf('above it', words(980) + 'x'.repeat(19))).toBeLessThan(500);
      expect(await sizeOf('small', { a: 1 })).toBeLessThan(100);
    });

    it('is left out if it saves nothing', async () => {
      const fleet = fleetOn(stage);
      const { cache } = fleet.start({ serializer: compressed(raw, { above: 0 }) });
      await cache.set('x', EVERY_BYTE);
      const entry = await stage.client.getBuffer(fleet.entry('x'));
      expect(entry?.subarray(-257)).toEqual(Buffer.concat([Buffer.of(0), EVERY_BYTE]));
      expect(await cache.get('x')).toEqual(EVERY_BYTE);
    });

    it('refuses a serializer without a name', () => {
      const nameless = { ...short, name: undefined as unknown as string };
      expect(() => compressed(nameless)).toThrow(/compressed: serializer=.*with a name/);
    });

    it.each([-1, 1.5, NaN, '1' as unknown as number])('refuses the size %p', (above) => {
      expect(() => compressed(jsonSerializer, { above })).toThrow(/compressed: above=.*bytes/);
    });
  });
});
