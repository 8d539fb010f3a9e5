import { describe, expect, it } from '@jest/globals';
import { RedisSerializationException } from '../errors/redis-serialization.exception.js';
import { JsonSerializer } from './json.serializer.js';

const serializer = new JsonSerializer();
const circular: Record<string, unknown> = {};
circular['self'] = circular;

describe('JsonSerializer', () => {
  it.each([null, false, 0, '', 'é😀', [], { a: [1, { b: null }] }])('keeps %p', (value) => {
    expect(serializer.deserialize(serializer.serialize(value, 'k'), 'k')).toEqual(value);
  });

  it.each([undefined, () => 1, Symbol('s'), 1n, circular])(
    'refuses %p, naming the key',
    (value) => {
      expect(() => serializer.serialize(value, 'user:1')).toThrow(RedisSerializationException);
      expect(() => serializer.serialize(value, 'user:1')).toThrow(/"user:1"/);
    },
  );

  it('names the key of text that is not JSON, and never quotes the text', () => {
    const read = () => serializer.deserialize('{"password":"hunter2"', 'user:1');
    expect(read).toThrow(RedisSerializationException);
    try {
      read();
    } catch (error) {
      expect(String(error)).toMatch(/"user:1" is not JSON/);
      expect(JSON.stringify(error, Object.getOwnPropertyNames(error))).not.toContain('hunter2');
    }
  });

  it('does not touch prototypes', () => {
    const value = serializer.deserialize('{"__proto__":{"admin":true}}', 'k');
    expect((value as { admin?: boolean }).admin).toBeUndefined();
    expect(({} as { admin?: boolean }).admin).toBeUndefined();
  });
});
