/** The parts of a `redis://` URL that were present. */
export interface RedisUrlParts {
  readonly host?: string;
  readonly port?: number;
  readonly username?: string;
  readonly password?: string;
  readonly db?: number;
  readonly tls: boolean;
  /** `?family=0|4|6`, which some platforms need for IPv6-only networks. */
  readonly family?: number;
}

export const ACCEPTED_URLS =
  'redis://[[user]:password@]host[:port][/db], or rediss:// for TLS (percent-encode special characters)';

/**
 * Takes a Redis URL apart (https://www.iana.org/assignments/uri-schemes/prov/redis).
 *
 * @returns `undefined` if it is not one
 * @internal
 */
export function parseRedisUrl(text: string): RedisUrlParts | undefined {
  if (!URL.canParse(text)) return undefined;
  const url = new URL(text);
  const credentials = decodeCredentials(url);
  const db = parseDb(url.pathname);
  const family = parseFamily(url.searchParams);
  if (!/^rediss?:$/.test(url.protocol) || url.hash !== '') return undefined;
  if (url.hostname === '' || url.port === '0') return undefined;
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

function decodeCredentials(url: URL): { username?: string; password?: string } | undefined {
  try {
    const username = decodeURIComponent(url.username);
    const password = decodeURIComponent(url.password);
    return { ...(username !== '' && { username }), ...(password !== '' && { password }) };
  } catch {
    return undefined; // a stray % in the password
  }
}

/** `null` means that there is one, but not a usable one. */
function parseDb(pathname: string): number | null | undefined {
  if (pathname === '' || pathname === '/') return undefined;
  return /^\/\d{1,5}$/.test(pathname) ? Number(pathname.slice(1)) : null;
}

function parseFamily(query: URLSearchParams): number | null | undefined {
  const names = [...query.keys()];
  if (names.length === 0) return undefined;
  const family = query.get('family');
  return names.length === 1 && family !== null && /^[046]$/.test(family) ? Number(family) : null;
}
