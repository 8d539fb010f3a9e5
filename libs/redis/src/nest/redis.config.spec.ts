import { describe, expect, it } from '@jest/globals';
import { registerAs } from '@nestjs/config';
import { redisConfig } from './redis.config.js';

describe('redisConfig', () => {
  it('has what registerAs adds to a namespace', () => {
    const registered = registerAs('redis', () => ({}));
    const added = Object.entries(Object.getOwnPropertyDescriptors(registered)).filter(
      ([name]) => !(name in Function.prototype),
    );

    expect(added.length).toBeGreaterThan(0);
    for (const [name, descriptor] of added) {
      const { value, ...flags } = Object.getOwnPropertyDescriptor(redisConfig, name) ?? {};
      expect(flags).toEqual({ configurable: false, enumerable: false, writable: false });
      expect(typeof value).toBe(typeof descriptor.value);
      if (typeof value === 'string') expect(value).toBe(descriptor.value);
    }
  });

  it('gives RedisModule.forRootAsync what it needs', () => {
    const ours = redisConfig.asProvider();
    const theirs = registerAs('redis', () => ({})).asProvider();
    const options = { host: 'example.com' };

    expect(ours.inject).toEqual(theirs.inject);
    expect(ours.useFactory(options)).toBe(options);
    expect(Object.keys(ours)).toEqual(Object.keys(theirs));
  });
});
