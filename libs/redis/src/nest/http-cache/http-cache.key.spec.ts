import { VERSION_NEUTRAL, VersioningType } from '@nestjs/common';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { canonicalUrl, versionAsked } from './http-cache.key.js';
import type { HttpRequest } from './http-messages.js';

const of = (url: string) => canonicalUrl({ method: 'GET', url, headers: {} });

describe('canonicalUrl', () => {
  it.each([
    ['/a', '/a'],
    ['/a?', '/a'],
    ['/a?b=1', '/a?b=1'],
    ['/a?b=1&a=2', '/a?a=2&b=1'],
    ['/a?&&b=1&&a', '/a?a&b=1'],
    ['/a?b=2&a=1&b=1', '/a?a=1&b=2&b=1'],
    ['/a?b[1]=x&a=1&b[0]=y&b=z', '/a?a=1&b[1]=x&b[0]=y&b=z'],
    ['/a?%62=1&a=1&b=2', '/a?a=1&%62=1&b=2'],
    ['/a?b+c=1&b%20c=2&a', '/a?a&b+c=1&b%20c=2'],
    ['/a?%zz=1&a=1', '/a?%zz=1&a=1'],
    ['/a?=1&a=1', '/a?=1&a=1'],
    ['/a?b=1?c=2&a=1', '/a?a=1&b=1?c=2'],
  ])('of %s is %s', (url, canonical) => {
    expect(of(url)).toBe(canonical);
  });

  it('prefers the whole path to that behind a router', () => {
    const request = { method: 'GET', url: '/a', originalUrl: '/api/a?b=1&a=1', headers: {} };
    expect(canonicalUrl(request)).toBe('/api/a?a=1&b=1');
  });

  const name = fc.constantFrom('a', 'b', 'c', 'a[]', 'a[0]', '%61', 'A', '');
  const parameters = fc.array(fc.tuple(name, fc.constantFrom('', '1', '2', '%26')), {
    maxLength: 6,
  });
  const urlOf = (list: [string, string][]) => `/p?${list.map((pair) => pair.join('=')).join('&')}`;

  it('is one for all orders of different names, and canonical itself', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.tuple(fc.constantFrom('a', 'b', 'c', 'd'), fc.string()), {
          selector: ([key]) => key,
        }),
        fc.func(fc.integer()),
        (list, rank) => {
          const encoded = list.map(([key, value]): [string, string] => [
            key,
            encodeURIComponent(Array.from(value, (c) => c.charCodeAt(0)).join('-')),
          ]);
          const shuffled = [...encoded].sort((a, b) => rank(a) - rank(b));
          expect(of(urlOf(shuffled))).toBe(of(urlOf(encoded)));
          expect(of(of(urlOf(encoded)))).toBe(of(urlOf(encoded)));
        },
      ),
    );
  });

  it('is one only for queries that mean the same to a parser', () => {
    fc.assert(
      fc.property(parameters, parameters, (a, b) => {
        if (of(urlOf(a)) !== of(urlOf(b))) return;
        expect(meaning(a)).toEqual(meaning(b));
      }),
      { numRuns: 2_000 },
    );
  });

  /** The values of each name, in their order; names that a parser may take for one are one. */
  function meaning(list: [string, string][]): unknown {
    const values = new Map<string, string[]>();
    for (const [key, value] of list) {
      if (key === '' && value === '' && list.length === 1) continue;
      const base = decodeURIComponent(key).split('[', 1)[0] ?? '';
      values.set(base, [...(values.get(base) ?? []), `${key}=${value}`]);
    }
    return values;
  }
});

const asking = (headers: HttpRequest['headers'], url = '/a') => ({ method: 'GET', url, headers });
const BOTH = ['1', '2'];
const HEADER = { type: VersioningType.HEADER, header: 'X-Version' } as const;
const MEDIA_TYPE = { type: VersioningType.MEDIA_TYPE, key: 'v=' } as const;

describe('versionAsked', () => {
  it.each([undefined, '1', ['1'], VERSION_NEUTRAL])('tells nothing apart for %p', (declared) => {
    expect(versionAsked(declared, HEADER, asking({ 'x-version': '1' }))).toBe('');
  });

  it('does not know the version where it does not know how that is asked for', () => {
    expect(versionAsked(BOTH, undefined, asking({}))).toBeUndefined();
    expect(versionAsked('1', undefined, asking({}))).toBe('');
    expect(versionAsked(BOTH, 'none', asking({ 'x-version': '1' }))).toBe('');
  });

  it('takes the versions of the application where a route has none of its own', () => {
    const versioning = { ...HEADER, defaultVersion: ['1', '2'] };
    expect(versionAsked(undefined, versioning, asking({ 'x-version': '2' }))).toBe('version=2');
    expect(versionAsked('1', versioning, asking({ 'x-version': '1' }))).toBe('');
  });

  it('tells none from one', () => {
    const versions = ['1', VERSION_NEUTRAL];
    expect(versionAsked(versions, HEADER, asking({}))).toBe('version=');
    expect(versionAsked(versions, HEADER, asking({ 'x-version': '1' }))).toBe('version=1');
  });

  it.each([
    ['application/json;v=1', '1'],
    ['text/html, application/json; q=0.5; v=2', '2'],
    ['a/b;v=2, c/d;v=1', '2,1'],
    ['application/json;v="1"', 'application/json;v="1"'],
    ['application/json', ''],
  ])('reads the version out of Accept: %s', (accept, version) => {
    expect(versionAsked(BOTH, MEDIA_TYPE, asking({ accept }))).toBe(`version=${version}`);
  });

  it.each([
    ['/api/v2/a?v1', undefined, 'v2'],
    ['/2/a/1', false, '2'],
    ['/version-1/a', 'version-', 'version-1'],
    ['/a', undefined, ''],
  ] as const)('finds it in the URL %s', (url, prefix, version) => {
    const versioning = {
      type: VersioningType.URI,
      ...(prefix !== undefined && { prefix }),
    } as const;
    expect(versionAsked(BOTH, versioning, asking({}, url))).toBe(`version=${version}`);
  });

  it('asks the extractor what Nest asks it', () => {
    const raw = {};
    const extractor = (request: unknown) => (request === raw ? ['2', '1'] : '1');
    const versioning = { type: VersioningType.CUSTOM, extractor } as const;
    expect(versionAsked(BOTH, versioning, { ...asking({}), raw })).toBe('version=2,1');
    expect(versionAsked(BOTH, versioning, asking({}))).toBe('version=1');
  });
});
