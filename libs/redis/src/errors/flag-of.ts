import { RedisConfigurationException } from './redis-configuration.exception.js';

/**
 * Reads an option that is true or false. The text `'false'` from an environment would count as true.
 *
 * @throws RedisConfigurationException naming the option if it is anything else
 * @internal
 */
export function flagOf(setting: string, value: boolean | undefined, byDefault: boolean): boolean {
  if (value === undefined) return byDefault;
  if (typeof value === 'boolean') return value;
  throw new RedisConfigurationException([
    { setting, value: String(value), accepted: 'true or false' },
  ]);
}
