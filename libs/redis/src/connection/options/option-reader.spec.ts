import { expect, it } from '@jest/globals';
import { RedisConfigurationException } from '../../errors/redis-configuration.exception.js';
import { AccessReader } from './access-reader.js';
import { OptionReader } from './option-reader.js';

it('reports everything that was refused at once, each under its full name', () => {
  const read = new OptionReader('cache "users": ');
  read.refuseUnknown({ tll: '5m' }, { ttl: true });
  expect(read.timeout('timeout', '5', 250)).toBe(250);
  expect(read.fraction('jitter', 1.5, 0.1)).toBe(0.1);
  expect(read.flag('outbox', 'false' as unknown as boolean, true)).toBe(true);
  read.miss('name', 'a text');
  const settings = ['tll', 'timeout', 'jitter', 'outbox', 'name'];
  expect(() => {
    read.finish();
  }).toThrow(RedisConfigurationException);
  expect(read.problems.map(({ setting }) => setting)).toEqual(
    settings.map((setting) => `cache "users": ${setting}`),
  );
});

it('shows a refused value as it is, but not where it may be a part of an address or a secret', () => {
  const read = new OptionReader();
  const readAccess = new AccessReader();
  read.fraction('jitter', '10%' as unknown as number, 0.1);
  readAccess.host('host', 'me:secret@redis', 'localhost');
  expect([...read.problems, ...readAccess.problems]).toMatchObject([
    { setting: 'jitter', value: '10%' },
    { setting: 'host', value: '***' },
  ]);
});
