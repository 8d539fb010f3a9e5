import type { Environment } from './find-server-binary.js';

/** Any of these says which Redis to use; in this order for the one that is named in the log. */
export const CONFIGURING_VARIABLES = [
  'REDIS_URL',
  'REDIS_HOST',
  'REDIS_SENTINELS',
  'REDIS_CLUSTER_NODES',
] as const;

/**
 * @returns which Redis the environment asks for, without credentials; `undefined` if it asks for none
 * @internal
 */
export function describeConfiguration(env: Environment): string | undefined {
  const variable = CONFIGURING_VARIABLES.find((name) => env[name]?.trim());
  if (variable === undefined) return undefined;
  const value = env[variable]?.trim() ?? '';
  const target =
    variable === 'REDIS_URL'
      ? withoutCredentials(value)
      : variable === 'REDIS_HOST'
        ? `${value}:${env['REDIS_PORT']?.trim() || '6379'}`
        : value;
  return `${target} (${variable} is set)`;
}

function withoutCredentials(value: string): string {
  if (!URL.canParse(value)) return 'an address that cannot be read';
  const { host, password, pathname, protocol, username } = new URL(value);
  return `${protocol}//${username + password === '' ? '' : '***@'}${host}${pathname}`;
}
