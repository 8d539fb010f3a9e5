import { isIPv6 } from 'node:net';

/** Whether it is a host name or an IP address and nothing else. */
export function isHost(text: string): boolean {
  return isIPv6(text) || /^[^\s/:@[\],;?#\\'"]+$/.test(text);
}

/**
 * What is accepted in the place of a text that is no host.
 *
 * @param port the setting that takes the port
 * @param url the setting that takes a whole URL
 * @internal
 */
export function acceptedHost(text: unknown, port: string, url: string): string {
  if (text === '') return 'a text that is not empty; leave it out for the default';
  if (typeof text !== 'string') return ACCEPTED;
  if (text.includes('://')) return `${ACCEPTED}; give a URL as ${url}`;
  const [, bracketed] = /^\[([^\]]*)\]$/.exec(text) ?? [];
  if (bracketed !== undefined && isIPv6(bracketed)) return `${ACCEPTED}, without brackets`;
  if (/^(?:\[[^\]]*\]|[^:]+):\d+$/.test(text)) return `${ACCEPTED}; give the port as ${port}`;
  return ACCEPTED;
}

const ACCEPTED = 'a host name or IP address alone';
