import { describe, expect, it } from '@jest/globals';
import type { RedisClient } from '../connection/options/options.js';
import type { RedisException } from '../errors/redis.exception.js';
import { RedisOutOfMemoryException } from '../errors/redis-out-of-memory.exception.js';
import { RedisSerializationException } from '../errors/redis-serialization.exception.js';
import { RedisTimeoutException } from '../errors/redis-timeout.exception.js';
import { RedisUnavailableException } from '../errors/redis-unavailable.exception.js';
import { NodeOutages } from './node-outages.js';

const late = new RedisTimeoutException({ operation: 'get', key: 'a', timeoutMs: 1 });
const loading = new RedisUnavailableException('LOADING');
const standalone = {} as RedisClient;
/** `foo` is in slot 12182, `bar` in slot 5061. */
const slots: string[][] = [];
slots[12_182] = ['first:1'];
slots[5_061] = ['second:2'];
const cluster = { nodes: () => [], slots } as unknown as RedisClient;

const learned = (
  client: RedisClient,
  chunk: readonly string[],
  errors: Record<string, RedisException>,
) => {
  const outages = new NodeOutages(client);
  outages.learn(chunk, new Map(Object.entries(errors)));
  return outages;
};

describe('NodeOutages', () => {
  it('gives a server up that answered none of its keys', () => {
    const outages = learned(standalone, ['a', 'b'], { a: late, b: loading });
    expect(outages.of('z')).toBe(loading);
  });

  it('goes on while some keys are answered, be it with an error', () => {
    expect(learned(standalone, ['a', 'b'], { a: late }).of('z')).toBeUndefined();
    const full = new RedisOutOfMemoryException();
    expect(learned(standalone, ['a', 'b'], { a: late, b: full }).of('z')).toBeUndefined();
    expect(learned(standalone, ['a'], { a: full }).of('z')).toBeUndefined();
  });

  it('does not take what was never sent for an answer', () => {
    const unsent = new RedisSerializationException('a', 'cannot be written');
    expect(learned(standalone, ['a', 'b'], { a: unsent, b: late }).of('z')).toBe(late);
    expect(learned(standalone, ['a'], { a: unsent }).of('z')).toBeUndefined();
  });

  it('tells the servers of a cluster apart', () => {
    const outages = learned(cluster, ['foo', 'bar'], { foo: late });
    expect(outages.of('foo')).toBe(late);
    expect(outages.of('bar')).toBeUndefined();
  });

  it('takes a slot that nobody serves for a server of its own', () => {
    const outages = learned(cluster, ['foo', 'nobody'], { nobody: late });
    expect(outages.of('foo')).toBeUndefined();
    expect(outages.of('nobody either')).toBe(late);
  });
});
