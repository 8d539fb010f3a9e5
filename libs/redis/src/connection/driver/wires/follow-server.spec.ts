import { EventEmitter } from 'node:events';
import { describe, expect, it } from '@jest/globals';
import type { Redis } from 'ioredis';
import { ConnectionFailures } from '../failures/connection-failures.js';
import type { Connector } from '../internals.js';
import { followServer, SERVER } from './follow-server.js';

describe('A followed connection', () => {
  it.each([
    ['Redis', { redis_mode: 'sentinel' }, false],
    ['Redis', { redis_mode: 'standalone' }, true],
    ['Valkey', { server_mode: 'sentinel' }, false],
    ['Valkey', { server_mode: 'cluster' }, true],
  ])('recognizes a sentinel by the INFO of %s: %j', (_, info, fits) => {
    const connector = { connect: () => Promise.reject(new Error('unused')), check: () => true };
    const redis = Object.assign(new EventEmitter(), { connector }) as unknown as Redis;
    const codes: unknown[] = [];
    redis.on('error', ({ code }: NodeJS.ErrnoException) => codes.push(code));
    followServer(redis, new ConnectionFailures(redis), SERVER);
    expect((connector as Connector).check(info)).toBe(fits);
    expect(codes).toEqual(fits ? [] : ['REDIS_MODE_SENTINEL']);
  });
});
