import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { canonicalUrl } from './http-cache.key.js';

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
