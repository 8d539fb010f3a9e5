import { Credentials } from './credentials.js';
import type { AccessReader } from './access-reader.js';
import type { RedisModuleOptions, ResolvedRedisOptions } from './options.js';
import type { RedisUrlParts } from './redis-url.js';
import { readTls } from './tls-options.js';

/**
 * Reads the credentials and the TLS options for sentinels. They are independent of those for Redis, except
 * that `sentinelTls: true` stands for the options of `tls`.
 *
 * @internal
 */
export function readSentinelAccess(
  options: RedisModuleOptions,
  tls: ResolvedRedisOptions['tls'],
  read: AccessReader,
): Pick<ResolvedRedisOptions, 'sentinelUsername' | 'sentinelPassword' | 'sentinelTls'> {
  const { sentinels, sentinelTls } = options;
  const sentinelUsername = read.textOrNone('sentinelUsername', options.sentinelUsername);
  const sentinelPassword = read.secretOrNone('sentinelPassword', options.sentinelPassword);
  const hasTls = (sentinelTls ?? false) !== false;
  const isForSentinels = hasTls || sentinelUsername !== undefined || sentinelPassword !== undefined;
  if (isForSentinels && !sentinels) {
    read.miss('sentinels', 'the sentinels that their credentials and TLS are for');
  }
  if (tls && sentinelPassword !== undefined && sentinelTls === undefined) {
    const accepted = 'true, or false to send the password of the sentinels unencrypted beside TLS';
    read.miss('sentinelTls', accepted);
  }
  return {
    sentinelUsername,
    sentinelPassword,
    sentinelTls: sentinelTls === true && tls ? tls : readTls('sentinelTls', sentinelTls, read),
  };
}

/**
 * Reads the credentials for Redis: a fixed user and password, or a function that gives them.
 *
 * @param timeoutMs how long the function may take
 * @internal
 */
export function readCredentials(
  options: RedisModuleOptions,
  url: RedisUrlParts,
  timeoutMs: number,
  read: AccessReader,
): Pick<ResolvedRedisOptions, 'username' | 'password' | 'credentials'> {
  const { credentials } = options;
  const username = read.textOrNone(
    'username',
    givenOr(url.username, unlessEmpty(options.username)),
  );
  const password = read.secretOrNone(
    'password',
    givenOr(url.password, unlessEmpty(options.password)),
  );
  if (credentials === undefined) return { username, password, credentials };
  if (typeof credentials !== 'function') {
    read.refuseSecret('credentials', 'a function that gives { username?, password, expiresAt? }');
  } else if (username !== undefined || password !== undefined) {
    const accepted = 'one of the two: no username and no password beside it, not in the URL either';
    read.refuse('credentials', 'set beside username or password', accepted);
  } else {
    return { username, password, credentials: new Credentials(credentials, timeoutMs) };
  }
  return { username, password, credentials: undefined };
}

function unlessEmpty(text: string | undefined): string | undefined {
  return text === '' ? undefined : text;
}

/**
 * An option, or the value to use if it was not given. `null` counts as given, and is refused like every
 * other value of a wrong type: a default in its place would mean another server, or no password.
 *
 * @internal
 */
export function givenOr<T>(otherwise: T, option: T | undefined): T {
  return option === undefined ? otherwise : option;
}
