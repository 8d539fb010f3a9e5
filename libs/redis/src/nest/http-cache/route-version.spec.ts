import { VERSION_NEUTRAL, VersioningType } from '@nestjs/common';
import { describe, expect, it } from '@jest/globals';
import type { HttpRequest } from './http-messages.js';
import { versionAsked } from './route-version.js';

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
