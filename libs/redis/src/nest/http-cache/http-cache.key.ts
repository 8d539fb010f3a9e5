import { createHash } from 'node:crypto';
import { VersioningType, type VersioningOptions } from '@nestjs/common';
import type { CacheKey } from '../../cache/cache-options.js';
import { RedisInvalidKeyException } from '../../errors/redis-invalid-key.exception.js';
import type { KeyPart } from '../../keys/key-encoding.js';
import type { Versions } from '../nest-internals.js';
import type { Credentials } from './credentials.js';
import type { HttpCachePlan } from './http-cache.plan.js';
import type { HttpRequest } from './http-messages.js';

/** Longer parts are hashed: clients decide how long their URLs and headers are. */
const LONGEST = 200;

/**
 * Decides which clients share the response to a request.
 *
 * @returns the part of the key that names its owner, nothing if all clients share it; `undefined` if the
 * response must not be cached
 * @throws RedisInvalidKeyException if `@CacheScope` returns something that is no part of a key, such as a
 * promise
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
  // Clients without a name must not share an entry, and neither must owners that read '[object Promise]'.
  if (owner === undefined || owner === null || owner === '') return undefined;
  if (typeof owner === 'string' || typeof owner === 'bigint' || Number.isFinite(owner)) {
    return [part(`@${owner as KeyPart}`)];
  }
  const problem = `is of type ${typeof owner}; give a string, a number or a bigint, at once`;
  throw new RedisInvalidKeyException('what @CacheScope returned', problem);
}

/**
 * Finds the version that a request asks for, where a handler has several: their responses may differ.
 *
 * @param declared what `@Version` or `@Controller({ version })` says
 * @param versioning of the application: `'none'`, or `undefined` if it is not known
 * @returns a part of the key; `''` if the handler has only one version, `undefined` if the version is not
 * known, and the response must not be cached
 * @internal
 */
export function versionAsked(
  declared: Versions,
  versioning: VersioningOptions | 'none' | undefined,
  request: HttpRequest,
): string | undefined {
  if (versioning === 'none') return '';
  const versions = [declared ?? defaultOf(versioning)].flat() as readonly (string | symbol)[];
  if (versions.length < 2) return '';
  if (versioning === undefined) return undefined;
  const names = versions.filter((version) => typeof version === 'string');
  return `version=${askedFor(names, versioning, request)}`;
}

function defaultOf(versioning: VersioningOptions | undefined): Versions {
  return versioning && 'defaultVersion' in versioning ? versioning.defaultVersion : undefined;
}

function askedFor(
  versions: readonly string[],
  versioning: VersioningOptions,
  request: HttpRequest,
): string {
  switch (versioning.type) {
    case VersioningType.URI: {
      const prefix = versioning.prefix === undefined ? 'v' : versioning.prefix || '';
      const [path = ''] = (request.originalUrl ?? request.url).split('?', 1);
      return path.split('/').find((part) => versions.some((each) => part === prefix + each)) ?? '';
    }
    case VersioningType.HEADER:
      return String(request.headers[versioning.header.toLowerCase()] ?? '');
    case VersioningType.MEDIA_TYPE: {
      const accept = String(request.headers['accept'] ?? '');
      const parameters = accept.split(/[,;]/).map((parameter) => parameter.trim());
      const asked = parameters
        .filter((parameter) => parameter.startsWith(versioning.key))
        .map((parameter) => parameter.slice(versioning.key.length));
      // A version in another notation, quoted for example, is distinguished by the whole header.
      return asked.every((each) => versions.includes(each)) ? asked.join() : accept;
    }
    case VersioningType.CUSTOM: {
      // As Nest calls it: with Fastify, by Node's own request.
      const asked: unknown = versioning.extractor(request.raw ?? request);
      return [asked].flat().map(String).join();
    }
  }
}

/**
 * Builds the key of a response: what `@CacheKey` says, or handler, host, path and query; then the version
 * of the handler, the headers that the response varies on, and its owner.
 *
 * @param scope from {@link scopeOf}
 * @param version from {@link versionAsked}
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

/** The host is part of the key, because a handler may put it into its response. */
function originOf({ protocol = 'http', host, headers }: HttpRequest): string {
  return `${protocol}://${host ?? String(headers['host'] ?? '')}`;
}

/** An absent header and an empty one differ. */
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
 * Path and query, with the parameters sorted by name. Parameters that some parser takes for the same one
 * (`a`, `%61`, `a[]`, `a[1]`) stay in the order in which they came.
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
