import { runInNewContext } from 'node:vm';
import { describe, expect, it } from '@jest/globals';
import { RedisConfigurationException } from '../errors/redis-configuration.exception.js';
import { RedisInvalidKeyException } from '../errors/redis-invalid-key.exception.js';
import { deltasOf, distinctKeys, keyedValues } from './batch-input.js';

describe('distinctKeys', () => {
  it('keeps the first of equal keys, in order', async () => {
    expect([...(await distinctKeys(['b', 'a', 'b', 'c', 'a']))]).toEqual(['b', 'a', 'c']);
  });

  it.each<[unknown, string]>([
    ['', 'key 2 is empty'],
    [undefined, 'key 2 is of type undefined, not a string'],
    [null, 'key 2 is of type object, not a string'],
    [7, 'key 2 is of type number, not a string'],
    [['a'], 'key 2 is of type object, not a string'],
    ['a\ud83d', 'key 2 holds half of a surrogate pair'],
    ['\ude00a', 'key 2 holds half of a surrogate pair'],
  ])('refuses %p, saying which it is', async (key, problem) => {
    const check = distinctKeys(['a', key as string]);
    await expect(check).rejects.toThrow(RedisInvalidKeyException);
    await expect(check).rejects.toThrow(problem);
  });

  it('finds a bad key wherever it is in a long list, and lets the event loop turn meanwhile', async () => {
    const keys = Array.from({ length: 10_000 }, (_, i) => `k${i}`);
    keys[9_999] = '';
    let turned = false;
    setImmediate(() => (turned = true));
    await expect(distinctKeys(keys)).rejects.toThrow('key 10000 is empty');
    expect(turned).toBe(true);
  });

  it('does not see what the caller does to the array afterwards', async () => {
    const keys = Array.from({ length: 10_000 }, (_, i) => `k${i}`);
    const distinct = distinctKeys(keys);
    keys.fill('');
    expect((await distinct).size).toBe(10_000);
  });
});

describe('keyedValues', () => {
  const hostile = ['__proto__', 'constructor', 'toString', 'hasOwnProperty', '1', ' '] as const;

  it('takes Maps and plain objects alike', async () => {
    const map = new Map(hostile.map((key, i) => [key, i]));
    expect(await keyedValues(map)).toEqual(map);
    expect(await keyedValues(Object.fromEntries(map))).toEqual(map);
    const bare = Object.create(null) as Record<string, number>;
    bare['a'] = 1;
    expect(await keyedValues(bare)).toEqual(new Map([['a', 1]]));
  });

  it('takes the Map of another realm', async () => {
    const foreign = runInNewContext('new Map([["a", 1]])') as Map<string, number>;
    expect(foreign).not.toBeInstanceOf(Map);
    expect(await keyedValues(foreign)).toEqual(new Map([['a', 1]]));
  });

  it('takes own properties only', async () => {
    const inherited = Object.create({ inherited: 1 }) as Record<string, number>;
    inherited['own'] = 2;
    expect(await keyedValues(inherited)).toEqual(new Map([['own', 2]]));
  });

  it('refuses bad keys', async () => {
    await expect(keyedValues({ '': 1 })).rejects.toThrow(RedisInvalidKeyException);
    await expect(keyedValues(new Map([[1 as unknown as string, 1]]))).rejects.toThrow(
      'key 1 is of type number',
    );
  });
});

describe('deltasOf', () => {
  it('counts a repeated key twice', async () => {
    expect(await deltasOf(['a', 'b', 'a'])).toEqual(
      new Map([
        ['a', 2],
        ['b', 1],
      ]),
    );
  });

  it('refuses bad keys', async () => {
    await expect(deltasOf(['a', ''])).rejects.toThrow(RedisInvalidKeyException);
  });

  it.each([1.5, Number.NaN, Infinity, 2 ** 53, -(2 ** 53), '1', 1n, undefined, null])(
    'refuses an increment of %p, naming the key',
    async (delta) => {
      const check = deltasOf({ a: 1, b: delta as number });
      await expect(check).rejects.toThrow(RedisConfigurationException);
      await expect(check).rejects.toThrow(/the increment of "b"=.*: a whole number from -9007/);
    },
  );
});
