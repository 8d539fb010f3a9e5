/** The parts that a `redis://` or `unix://` URL has. */
export interface RedisUrlParts {
  readonly host?: string;
  /** The path of a Unix socket, instead of host and port. */
  readonly path?: string;
  readonly port?: number;
  readonly username?: string;
  readonly password?: string;
  readonly db?: number;
  /** Whether the scheme is `rediss:`; absent for a Unix socket. */
  readonly tls?: boolean;
  /** `?family=0|4|6`, which some platforms need for IPv6-only networks. */
  readonly family?: number;
}

export const ACCEPTED_URLS =
  'redis://[[user]:password@]host[:port][/db], rediss:// for TLS, or ' +
  'unix://[[user]:password@]/path[?db=n] (percent-encode special characters)';

/**
 * Takes a Redis URL apart (https://www.iana.org/assignments/uri-schemes/prov/redis).
 *
 * @returns `undefined` if it is not a Redis URL, or if it can be read in two ways: a password with a `/`,
 * `?` or `#` that was not percent-encoded could otherwise be taken for a host
 * @internal
 */
export function parseRedisUrl(text: string): RedisUrlParts | undefined {
  if (/[\s\p{Cc}\\]/u.test(text)) return undefined;
  if (/^unix:/i.test(text)) return parseSocket(text);
  if (!URL.canParse(text)) return undefined;
  const url = new URL(text);
  if (url.hash !== '' || url.port === '0') return undefined;
  if (!/^rediss?:$/.test(url.protocol) || url.hostname === '') return undefined;
  const credentials = decodeCredentials(url);
  const db = parseDb(url.pathname);
  const family = parseOnly('family', /^[046]$/, url.searchParams);
  if (credentials === undefined || db === null || family === null) return undefined;
  return {
    host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
    ...(url.port !== '' && { port: Number(url.port) }),
    ...credentials,
    ...(db !== undefined && { db }),
    ...(family !== undefined && { family }),
    tls: url.protocol === 'rediss:',
  };
}

/** `unix://user:password@/path` is not a URL of the standard, which requires a host after credentials. */
function parseSocket(text: string): RedisUrlParts | undefined {
  const match = /^unix:\/\/(?:([^/@?#]*)@)?(\/[^@?#]+)(?:\?([^@?#]*))?$/i.exec(text);
  if (!match) return undefined;
  const [, userinfo = '', path = '', query = ''] = match;
  const db = parseOnly('db', /^\d{1,5}$/, new URLSearchParams(query));
  const [username = '', ...password] = userinfo.split(':');
  const credentials = decodeCredentials({ username, password: password.join(':') });
  const decoded = decode(path);
  if (credentials === undefined || decoded === undefined || db === null) return undefined;
  return { path: decoded, ...credentials, ...(db !== undefined && { db }) };
}

function decodeCredentials(
  url: Pick<URL, 'username' | 'password'>,
): { username?: string; password?: string } | undefined {
  const username = decode(url.username);
  const password = decode(url.password);
  if (username === undefined || password === undefined) return undefined;
  return { ...(username !== '' && { username }), ...(password !== '' && { password }) };
}

/** @returns `undefined` for a stray % */
function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

/** @returns `undefined` if there is none, `null` if it cannot be used */
function parseDb(pathname: string): number | null | undefined {
  if (pathname === '' || pathname === '/') return undefined;
  return /^\/\d{1,5}$/.test(pathname) ? Number(pathname.slice(1)) : null;
}

function parseOnly(
  name: string,
  accepted: RegExp,
  query: URLSearchParams,
): number | null | undefined {
  const names = [...query.keys()];
  if (names.length === 0) return undefined;
  const value = query.get(name);
  return names.length === 1 && value !== null && accepted.test(value) ? Number(value) : null;
}
