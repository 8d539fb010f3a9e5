import { describe, expect, it } from '@jest/globals';
import { parseRedisUrl } from './redis-url.js';

describe('parseRedisUrl', () => {
  it.each([
    ['redis://localhost', { host: 'localhost', tls: false }],
    ['redis://localhost/', { host: 'localhost', tls: false }],
    ['redis://[::1]:6380/3', { host: '::1', port: 6380, db: 3, tls: false }],
    ['redis://:secret@h', { host: 'h', password: 'secret', tls: false }],
    ['redis://me@h', { host: 'h', username: 'me', tls: false }],
    ['rediss://h?family=0', { host: 'h', family: 0, tls: true }],
    ['redis://me:p@ss%2F@h', { host: 'h', username: 'me', password: 'p@ss/', tls: false }],
    ['unix:///run/redis.sock', { path: '/run/redis.sock' }],
    ['unix:///run/my%20redis.sock?db=3', { path: '/run/my redis.sock', db: 3 }],
    ['unix://me:a%2Fb:c@/run/r', { path: '/run/r', username: 'me', password: 'a/b:c' }],
    ['unix://:secret@/run/r', { path: '/run/r', password: 'secret' }],
  ])('takes %s apart', (url, parts) => {
    expect(parseRedisUrl(url)).toEqual(parts);
  });

  it.each([
    '',
    'localhost:6379',
    'redis://',
    'redis://h:0',
    'redis://h:99999',
    'redis://h/first',
    'redis://h/1/2',
    'redis://h?db=1',
    'redis://h?family=5',
    'redis://h?family=4&family=6',
    'redis://:100%@h',
    'redis://h#x',
    'http://h',
    'redis://default:4711?x@host',
    'redis://default:4711/2@host',
    'redis://default:4711#x@host',
    'redis://me:pass word@h',
    'redis://me:pass\tword@h',
    'redis://me:pass\\word@h',
    'unix:/tmp/redis.sock',
    'unix://tmp/redis.sock',
    'unix://',
    'unix:///',
    'unix://me:p/w@/tmp/redis.sock',
    'unix:///tmp/redis.sock?db=x',
    'unix:///tmp/redis.sock?family=4',
    'unix:///tmp/%',
  ])('refuses %j', (url) => {
    expect(parseRedisUrl(url)).toBeUndefined();
  });
});
