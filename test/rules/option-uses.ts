import { Redis } from 'ioredis';
import {
  RedisCache,
  type KeyBuilder,
  type NearOptions,
  type RedisCacheOptions,
  type RedisModuleOptions,
} from 'nestjs-redis-data';
import { resolveOptions } from '../../libs/redis/src/connection/options/resolve-options.js';
import type { Use } from './problems-of.js';

/** A client that sends nothing: what was not refused before fails. */
export function silentClient(): Redis {
  const client = new Redis({ lazyConnect: true });
  client.sendCommand = (command) => {
    command.reject(new Error('was sent'));
    return command.promise;
  };
  return client;
}

/** Gives an option to a connection. */
export const ofConnection = (name: keyof RedisModuleOptions): Use => {
  return (value) => resolveOptions({ [name]: value });
};

/** Gives an option to a cache. */
export const optionOfCache = (client: Redis, keys: KeyBuilder) => {
  return (name: keyof RedisCacheOptions): Use =>
    (value) =>
      new RedisCache(client, keys, { [name]: value });
};

/** A near copy with nothing special about it. */
export const NEAR: NearOptions = { maxBytes: 65_536, staleness: '1s' };

/** Gives an option to the near copy of a cache. */
export const ofNear = (client: Redis, keys: KeyBuilder) => {
  return (name: keyof NearOptions): Use =>
    (value) =>
      new RedisCache(client, keys, { near: { ...NEAR, [name]: value } });
};
