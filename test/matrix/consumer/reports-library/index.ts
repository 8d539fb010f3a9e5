/** A library of another author, in the other module format: it injects and recognizes what this one exports. */
import { Injectable, Module } from '@nestjs/common';
import { RedisCache, RedisException, RedisInvalidKeyException } from 'nestjs-redis-data';

@Injectable()
export class Reports {
  constructor(private readonly cache: RedisCache) {}

  of(year: number): Promise<string> {
    return this.cache.getOrLoad(['report', year], () => Promise.resolve('a report'), { ttl: '5m' });
  }
}

@Module({ providers: [Reports], exports: [Reports] })
export class ReportsModule {}

export function isFailureOfRedis(error: unknown): boolean {
  return error instanceof RedisException;
}

export function invalidKey(): RedisException {
  return new RedisInvalidKeyException('key', 'made by the library');
}

export function reportsWith(cache: RedisCache): Reports {
  return new Reports(cache);
}
