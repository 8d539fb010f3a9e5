import { isIPv6 } from 'node:net';
import type { RedisAddress } from './options.js';

const ACCEPTED_HOSTS = 'a host name or IP address alone';

/** Whether a text is a host name or an IP address and nothing else. */
export function isHost(text: string): boolean {
  return isIPv6(text) || /^[^\s/:@[\],;?#\\'"]+$/.test(text);
}

/**
 * Says what is accepted instead of a text that is not a host.
 *
 * @param port the setting that takes the port
 * @param url the setting that takes a whole URL
 * @internal
 */
export function acceptedHost(text: unknown, port: string, url: string): string {
  if (text === '') return 'a text that is not empty; leave it out for the default';
  if (typeof text !== 'string') return ACCEPTED_HOSTS;
  if (text.includes('://')) return `${ACCEPTED_HOSTS}; give a URL as ${url}`;
  const [, bracketed] = /^\[([^\]]*)\]$/.exec(text) ?? [];
  if (bracketed !== undefined && isIPv6(bracketed)) return `${ACCEPTED_HOSTS}, without brackets`;
  if (/^(?:\[[^\]]*\]|[^:]+):\d+$/.test(text)) return `${ACCEPTED_HOSTS}; give the port as ${port}`;
  return ACCEPTED_HOSTS;
}

/**
 * Reads `host:port,[::1]:port`.
 *
 * @returns an empty list if one of the addresses cannot be read
 */
export function parseAddresses(text: string): RedisAddress[] {
  const parsed = text.split(',').map(parseAddress);
  const found = parsed.filter((address) => address !== undefined);
  return found.length === parsed.length ? found : [];
}

function parseAddress(text: string): RedisAddress | undefined {
  const match = /^(?:\[([0-9a-f:.]+)\]|([^\s/:@[\]]+)):(\d{1,5})$/i.exec(text.trim());
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  return host !== undefined && port >= 1 && port <= 65_535 ? { host, port } : undefined;
}
