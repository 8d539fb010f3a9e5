import { setTimeout as sleep } from 'node:timers/promises';
import type { RedisClient } from '../../../src/connection/options/options.js';

/** The commands that a repository with indexes is made of; it sends MGET as it is. */
const COMMANDS = new Set([
  'evalsha',
  'get',
  'getdel',
  'pttl',
  'sendCommand',
  'zrange',
  'zrangebylex',
  'zrevrangebylex',
  'zscore',
]);

/**
 * A client, each command of which is sent a random little later than it is asked for: so that those of
 * several callers meet in every order.
 */
export function jitteryClient(client: RedisClient, random: () => number): RedisClient {
  return new Proxy(client, {
    get: (target, property) => {
      const value: unknown = Reflect.get(target, property, target);
      if (typeof value !== 'function') return value;
      const method = value.bind(target) as (...args: unknown[]) => unknown;
      if (!COMMANDS.has(String(property))) return method;
      return async (...args: unknown[]) => {
        const luck = random();
        if (luck < 0.1) await sleep(luck * 30);
        else if (luck < 0.6) await new Promise(setImmediate);
        return method(...args);
      };
    },
  });
}
