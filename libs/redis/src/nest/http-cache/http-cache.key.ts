import { createHash } from 'node:crypto';
import type { CacheKey } from '../../cache/cache-options.js';
import { RedisInvalidKeyException } from '../../errors/redis-invalid-key.exception.js';
import type { KeyPart } from '../../keys/key-encoding.js';
import type { Credentials } from './credentials.js';
import type { HttpCachePlan } from './http-cache.plan.js';
import type { HttpRequest } from './http-messages.js';

/** Longer parts are hashed: clients choose how long their URLs and headers are. */
const LONGEST = 200;

/**
 * Whose response it would be: the part of the key that says it, nothing if it is everybody's.
 *
 * @returns `undefined` if the response must not be cached
 * @throws RedisInvalidKeyException for what is no part of a key, such as a promise
 * @internal
 */
export function scopeOf(
  { scope, key, vary }: HttpCachePlan,
  request: HttpRequest,
  credentials: Credentials,
): readonly KeyPart[] | undefined {
  if (scope === 'shared') return [];
  if (scope === undefined) {
    const isOwned =
      credentials.areIn(request, vary) || (key !== undefined && credentials.areInQuery(request));
    return isOwned ? undefined : [];
  }
  const owner: unknown = scope(request);
  // Those without a name must not share an entry, nor must what reads '[object Promise]'.
  if (owner === undefined || owner === null || owner === '') return undefined;
  if (typeof owner === 'string' || typeof owner === 'bigint' || Number.isFinite(owner)) {
    return [part(`@${owner as KeyPart}`)];
  }
  const problem = `is of type ${typeof owner}; give a string, a number or a bigint, at once`;
  throw new RedisInvalidKeyException('what @CacheScope returned', problem);
}

/**
 * The key of a response: what `@CacheKey` says, or handler, host, path and query; then the version of the
 * handler that is asked for, the headers it varies on, and whose it is.
 *
 * @param version what tells it from responses of other versions of the handler, `''` for nothing
 * @param own what `@CacheKey` says about this request
 * @internal
 */
export function keyOf(
  { resource, vary }: HttpCachePlan,
  request: HttpRequest,
  scope: readonly KeyPart[],
  version: string,
  own?: CacheKey,
): CacheKey {
  const suffix = [
    ...(version === '' ? [] : [part(version)]),
    ...vary.map((name) => part(headerOf(request, name))),
    ...scope,
  ];
  if (own === undefined) {
    return ['http', resource, part(originOf(request)), part(canonicalUrl(request)), ...suffix];
  }
  if (suffix.length === 0) return own;
  const parts = typeof own === 'string' ? own.split(':') : own;
  return [...parts, ...suffix] as [KeyPart, ...KeyPart[]];
}

/** A handler may put the host that a client has sent into its response. */
function originOf({ protocol = 'http', host, headers }: HttpRequest): string {
  return `${protocol}://${host ?? String(headers['host'] ?? '')}`;
}

/** Absent and empty are told apart. */
function headerOf({ headers }: HttpRequest, name: string): string {
  const value = headers[name];
  return value === undefined ? name : `${name}=${String(value)}`;
}

function part(text: string): string {
  return text.length <= LONGEST
    ? text
    : `sha256-${createHash('sha256').update(text).digest('hex')}`;
}

/**
 * Path and query, the parameters in the order of their names. Those that one parser or another takes for
 * one (`a`, `%61`, `a[]`, `a[1]`) stay in the order in which they came.
 */
export function canonicalUrl({ originalUrl, url }: HttpRequest): string {
  const whole = originalUrl ?? url;
  const start = whole.indexOf('?');
  if (start < 0) return whole;
  const path = whole.slice(0, start);
  const query = whole.slice(start + 1);
  if (query === '') return path;
  if (!query.includes('&')) return whole;
  const parameters = query
    .split('&')
    .filter((parameter) => parameter !== '')
    .map((parameter) => ({ parameter, name: nameOf(parameter) }))
    .sort((a, b) => (a.name < b.name ? -1 : Number(a.name > b.name)));
  return `${path}?${parameters.map(({ parameter }) => parameter).join('&')}`;
}

function nameOf(parameter: string): string {
  const [raw = ''] = parameter.split('=', 1);
  const [name = ''] = decode(raw).split('[', 1);
  return name;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    return text;
  }
}
