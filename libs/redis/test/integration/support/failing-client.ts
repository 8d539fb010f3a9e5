import type { Command } from 'ioredis';
import type { RedisClient } from '../../../src/connection/options/options.js';

/** A client, some commands of which fail without being sent. */
export function failing(
  client: RedisClient,
  command: string,
  matches: (args: readonly unknown[]) => boolean,
  error: Error,
): RedisClient {
  return new Proxy(client, {
    get: (target, property) => {
      const value: unknown = Reflect.get(target, property, target);
      if (typeof value !== 'function') return value;
      const method = value.bind(target) as (...args: unknown[]) => unknown;
      if (property === 'sendCommand') {
        return (sent: Command, ...where: unknown[]) =>
          sent.name === command && matches([sent.args])
            ? Promise.reject(error)
            : method(sent, ...where);
      }
      if (property !== command) return method;
      return (...args: unknown[]) => (matches(args) ? Promise.reject(error) : method(...args));
    },
  });
}
