import { describe, expect, it } from '@jest/globals';
import { CacheHeaders } from './http-cache.decorators.js';
import { keptHeaders } from './kept-headers.js';

describe('The headers that are kept with a response', () => {
  it.each(['X-Total-Count', 'X-User-Count', 'Content-Range-Unit', 'Access-Control-Expose-Headers'])(
    'may be %s',
    (name) => {
      expect(keptHeaders([name], 'x')).toEqual([name.toLowerCase()]);
    },
  );

  it.each([
    'Set-Cookie',
    'Set-Cookie2',
    'Authorization',
    'WWW-Authenticate',
    'Proxy-Authenticate',
    'Authentication-Info',
    'X-Auth-Token',
    'X-CSRF-Token',
    'X-Session-Id',
    'X-Api-Key',
  ])('may not be %s, which may be for one client only', (name) => {
    expect(() => keptHeaders(['x-total-count', name], 'responseHeaders')).toThrow(
      `responseHeaders=${name.toLowerCase()}: no header that may carry what belongs to one client`,
    );
  });

  it.each([
    'Connection',
    'Keep-Alive',
    'Transfer-Encoding',
    'Trailer',
    'Upgrade',
    'Content-Length',
    'Content-Encoding',
    'Date',
    'Age',
    'X-Cache',
    'Access-Control-Allow-Origin',
  ])('may not be %s, which is made for each response', (name) => {
    expect(() => CacheHeaders(name)).toThrow(
      `@CacheHeaders()=${name.toLowerCase()}: no header that is made for each response anew`,
    );
  });

  it('have names of headers', () => {
    expect(keptHeaders(undefined, 'x')).toEqual([]);
    for (const names of ['x-total-count', [1], [''], ['a b']]) {
      expect(() => keptHeaders(names, 'x')).toThrow('names of response headers');
    }
  });
});
