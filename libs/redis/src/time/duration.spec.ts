import { describe, expect, it } from '@jest/globals';
import { RedisConfigurationException } from '../errors/redis-configuration.exception.js';
import { type Duration, parseDuration } from './duration.js';

describe('parseDuration', () => {
  it.each<[Duration, number]>([
    ['250ms', 250],
    ['30s', 30_000],
    ['5m', 300_000],
    ['1h', 3_600_000],
    ['1d', 86_400_000],
    ['1.5s', 1_500],
  ])('reads %s as %d ms', (text, ms) => {
    expect(parseDuration(text, 'ttl')).toBe(ms);
  });

  it.each([
    30,
    '30',
    '',
    '0s',
    '0.0001ms',
    '-1s',
    '1e3s',
    'Infinitys',
    '1w',
    ' 1s',
    '40000d',
    null,
  ])('refuses %p, naming the option and the units', (value) => {
    const parse = () => parseDuration(value as Duration, 'ttl');
    expect(parse).toThrow(RedisConfigurationException);
    expect(parse).toThrow(/ttl=.*'250ms', '30s', '5m', '1h' or '1d'/);
  });

  it('is refused by the compiler without a unit', () => {
    // @ts-expect-error a bare number has no unit
    expect(() => parseDuration(30, 'ttl')).toThrow();
    // @ts-expect-error so has a string without one
    expect(() => parseDuration('30', 'ttl')).toThrow();
  });
});
