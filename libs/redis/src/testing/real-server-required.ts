import { RedisConfigurationException } from '../errors/redis-configuration.exception.js';

/** How to get a server program, for messages to people. */
export const HOW_TO_GET_A_SERVER =
  'sudo apt-get install -y redis-server (Debian, Ubuntu), brew install valkey (macOS), or set ' +
  'REDIS_SERVER_BIN to the path of a redis-server or valkey-server';

/**
 * @param what the feature that the embedded server lacks, e.g. `freeze()`
 * @internal
 */
export function realServerRequired(
  what: string,
  tried: readonly string[] = [],
): RedisConfigurationException {
  const found = tried.length === 0 ? '' : ` (found: ${tried.join('; ')})`;
  return new RedisConfigurationException([
    {
      setting: 'REDIS_SERVER_BIN',
      accepted: `${what} needs a real Redis server on this machine${found}. ${HOW_TO_GET_A_SERVER}`,
    },
  ]);
}
