import { isHost, parseAddresses } from '../connection/options/addresses.js';
import { parseRedisUrl } from '../connection/options/redis-url.js';
import { printAddress } from '../errors/print-address.js';
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
  return `${describeTarget(variable, value, env) ?? 'an address that cannot be read'} (${variable} is set)`;
}

/** @returns `undefined` if it is not certain which part of the value is no secret */
function describeTarget(
  variable: (typeof CONFIGURING_VARIABLES)[number],
  value: string,
  env: Environment,
): string | undefined {
  if (variable === 'REDIS_URL') return describeUrl(value);
  if (variable !== 'REDIS_HOST')
    return parseAddresses(value).map(printAddress).join(',') || undefined;
  return isHost(value) ? `${value}:${env['REDIS_PORT']?.trim() || '6379'}` : undefined;
}

function describeUrl(value: string): string | undefined {
  const parts = parseRedisUrl(value);
  if (!parts) return undefined;
  const { username, password, path, db } = parts;
  const credentials = username === undefined && password === undefined ? '' : '***@';
  if (path !== undefined)
    return `unix://${credentials}${path}${db === undefined ? '' : `?db=${db}`}`;
  const { protocol, host } = new URL(value);
  return `${protocol}//${credentials}${host}${db === undefined ? '' : `/${db}`}`;
}
