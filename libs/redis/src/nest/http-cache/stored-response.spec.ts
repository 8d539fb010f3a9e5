import { describe, expect, it } from '@jest/globals';
import { CacheHeaders } from './http-cache.decorators.js';
import { keptHeaders, STORED_RESPONSES, type StoredResponse } from './stored-response.js';

const response = (etag: string, body: string, link = '</>; rel=up'): StoredResponse => ({
  at: 1_700_000_000_000,
  etag,
  headers: { 'content-type': 'text/plain; charset=utf-8', link },
  body,
});
const serialize = (stored: StoredResponse) => String(STORED_RESPONSES.serialize(stored, 'k'));
const deserialize = (text: string) => STORED_RESPONSES.deserialize(Buffer.from(text), 'k');

describe('STORED_RESPONSES', () => {
  it.each<StoredResponse>([
    response('"a"', 'one'),
    response('"a"', 'another body below the same line'),
    response('"a\\"\\n"', 'line\nafter\r\nline\n'),
    response('"é"', '😀'),
    response('"long"', 'one', 'l'.repeat(1_000)),
    response('"long"', 'one', 'm'.repeat(1_000)),
    { ...response('"a"', 'one'), seen: { kind: 'text', text: 'one', dates: [] } },
    { ...response('"a"', '[1]'), seen: { kind: 'json', text: '', dates: [] } },
    {
      ...response('"a"', '{"data":"😀"}\n'),
      seen: { kind: 'json', text: '"😀"', dates: [['a', 0, 'b']] },
    },
  ])('reads what it has written, the first time and again: %j', (stored) => {
    const text = serialize(stored);
    for (let i = 0; i < 3; i++) expect(deserialize(text)).toEqual(stored);
  });

  it('tells apart what differs in any of it', () => {
    const all = [
      response('"a"', 'one'),
      response('"b"', 'one'),
      { ...response('"a"', 'one'), at: 1_700_000_000_001 },
      response('"a"', 'one', '</>; rel=self'),
    ];
    const texts = all.map(serialize);
    for (let i = 0; i < 2; i++) expect(texts.map(deserialize)).toEqual(all);
  });

  it.each([
    '',
    'http2',
    'http2 {}',
    'http2 {"at":1\nbody',
    'http1 {"at":1}\nbody',
    '{"at":1}\nbody',
  ])('refuses %j each time', (text) => {
    for (let i = 0; i < 2; i++) expect(() => deserialize(text)).toThrow();
  });
});

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
