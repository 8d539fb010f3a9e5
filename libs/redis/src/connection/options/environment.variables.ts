import { durationToMs, LONGEST_TIMER_MS, timeoutToMs } from '../../time/duration.js';
import { acceptedHost, isHost, parseAddresses } from './addresses.js';
import { ACCEPTED_URLS, parseRedisUrl } from './redis-url.js';

const ACCEPTED_TIMES = `milliseconds, or a duration such as '500ms' or '5s', above zero, at most ${LONGEST_TIMER_MS}`;

const ACCEPTED_TTLS =
  "seconds, a duration such as '90s', '5m', '1h' or '1d', above zero, at most '36500d', or 'forever'";

interface Rule {
  readonly check: (text: string) => boolean;
  readonly accepted: string | ((refused: string) => string);
}

/** By variable, in the order of their declaration. */
const rules = new Map<keyof RedisEnvironment, Rule>();

/**
 * The environment variables, as text, and what each accepts. The sentence documents the variable, and
 * messages print it after a refused value.
 *
 * @internal
 */
export class RedisEnvironment {
  @Accepts((text) => parseRedisUrl(text) !== undefined, ACCEPTED_URLS)
  REDIS_URL?: string;

  @Accepts(isHost, (text) => acceptedHost(text, 'REDIS_PORT', 'REDIS_URL'))
  REDIS_HOST?: string;

  @Accepts(integer(1, 65_535), 'a port from 1 to 65535')
  REDIS_PORT?: string;

  @Accepts(any, 'the name of an ACL user')
  REDIS_USERNAME?: string;

  @Accepts(any, 'the password')
  REDIS_PASSWORD?: string;

  @Accepts(integer(0, 99_999), 'the index of a logical database, 0 or more')
  REDIS_DB?: string;

  @Accepts(oneOf('true', 'false'), "'true' or 'false'")
  REDIS_TLS?: string;

  @Accepts(any, 'the path of a PEM file with the certificate authorities to trust')
  REDIS_TLS_CA_FILE?: string;

  @Accepts(any, 'the path of a PEM file with the client certificate')
  REDIS_TLS_CERT_FILE?: string;

  @Accepts(any, "the path of a PEM file with the client certificate's key")
  REDIS_TLS_KEY_FILE?: string;

  @Accepts(addresses, 'sentinels as host:port,host:port')
  REDIS_SENTINELS?: string;

  @Accepts(any, 'the name under which the sentinels know the primary')
  REDIS_SENTINEL_NAME?: string;

  @Accepts(any, 'the name of an ACL user of the sentinels')
  REDIS_SENTINEL_USERNAME?: string;

  @Accepts(any, 'the password for the sentinels')
  REDIS_SENTINEL_PASSWORD?: string;

  @Accepts(oneOf('true', 'false'), "'true' or 'false'")
  REDIS_SENTINEL_TLS?: string;

  @Accepts(addresses, 'some nodes of the cluster as host:port,host:port')
  REDIS_CLUSTER_NODES?: string;

  @Accepts(integer(1, 10_000), 'a number of dedicated connections from 1 to 10000')
  REDIS_MAX_CONNECTIONS?: string;

  @Accepts(timeout, ACCEPTED_TIMES)
  REDIS_CONNECT_TIMEOUT?: string;

  @Accepts(timeout, ACCEPTED_TIMES)
  REDIS_COMMAND_TIMEOUT?: string;

  @Accepts(ttl, ACCEPTED_TTLS)
  REDIS_DEFAULT_TTL?: string;

  @Accepts(any, "the application's name in every key")
  REDIS_KEY_PREFIX?: string;

  @Accepts(any, "the deployment's name in every key")
  REDIS_ENVIRONMENT?: string;

  @Accepts(oneOf('background', 'wait', 'require'), "'background', 'wait' or 'require'")
  REDIS_STARTUP?: string;

  @Accepts(oneOf('on', 'off'), "'on' or 'off'")
  REDIS_EMBEDDED?: string;

  @Accepts(any, 'the path of a redis-server or valkey-server binary')
  REDIS_SERVER_BIN?: string;
}

/**
 * Lists the variables that have a value which is not accepted. By hand, because class-validator is
 * installed only where entities are kept (docs/adr/0063).
 *
 * @internal
 */
export function refusedVariables(variables: RedisEnvironment): RefusedVariable[] {
  return [...rules].flatMap(([variable, { check, accepted }]) => {
    const value = variables[variable];
    if (value === undefined || check(value)) return [];
    return { variable, value, accepted: typeof accepted === 'string' ? accepted : accepted(value) };
  });
}

export interface RefusedVariable {
  readonly variable: keyof RedisEnvironment;
  readonly value: string;
  /** The values that would be accepted. */
  readonly accepted: string;
}

function Accepts(check: Rule['check'], accepted: Rule['accepted']) {
  return (_: RedisEnvironment, variable: keyof RedisEnvironment): void => {
    rules.set(variable, { check, accepted });
  };
}

function any(): boolean {
  return true;
}

function oneOf(...choices: readonly string[]) {
  return (text: string): boolean => choices.includes(text);
}

function integer(least: number, most: number) {
  return (text: string): boolean =>
    /^\d{1,6}$/.test(text) && Number(text) >= least && Number(text) <= most;
}

function addresses(text: string): boolean {
  return parseAddresses(text).length > 0;
}

function timeout(text: string): boolean {
  return timeoutToMs(/^\d+$/.test(text) ? `${text}ms` : text) !== undefined;
}

function ttl(text: string): boolean {
  return text === 'forever' || durationToMs(/^\d+$/.test(text) ? `${text}s` : text) !== undefined;
}
