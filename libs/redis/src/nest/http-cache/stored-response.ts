import { createHash } from 'node:crypto';
import { Remembered } from '../../cache/entry/lru.js';
import type { CacheSerializer } from '../../serialization/cache-serializer.js';
import { isPlainData, type SeenText } from './seen-value.js';
import { ALWAYS_KEPT } from './kept-headers.js';
import { isFastify, serializesPlainly, textHeader, type HttpResponse } from './http-messages.js';

/** A response as it was sent. */
export interface StoredResponse {
  /** When, in milliseconds since 1970. */
  readonly at: number;
  readonly etag: string;
  /** Those that are kept, by their names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** What interceptors further out saw of it, if there were any. */
  readonly seen?: SeenText;
}

interface Head extends Omit<StoredResponse, 'body' | 'seen'> {
  readonly seen?: Omit<SeenText, 'text'> & {
    /** Where the body ends and the value's own text begins; absent if they are the same. */
    readonly from?: number;
  };
}

/** Marks the text as ours, and keeps it from being read as JSON. */
const MARK = 'http2 ';

/**
 * A line about the response, its body, and the value that interceptors saw, unless that is the body. The
 * body is not parsed to be sent again, and the line once for as long as it is remembered.
 *
 * @internal
 */
export const STORED_RESPONSES: CacheSerializer<StoredResponse> = {
  name: 'response',
  serialize({ body, seen, ...rest }) {
    if (!seen) return `${MARK}${JSON.stringify(rest)}\n${body}`;
    const { text, ...kept } = seen;
    const isBody = text === body;
    const head: Head = { ...rest, seen: isBody ? kept : { ...kept, from: body.length } };
    return `${MARK}${JSON.stringify(head)}\n${body}${isBody ? '' : text}`;
  },
  deserialize(stored) {
    const text = stored.toString();
    const end = text.indexOf('\n');
    if (!text.startsWith(MARK) || end < 0) throw new Error('no response is stored here');
    const { at, etag, headers, seen } = headIn(text.slice(MARK.length, end));
    const all = text.slice(end + 1);
    if (!seen) return { at, etag, headers, body: all };
    const { kind, dates, from } = seen;
    const [body, own] = from === undefined ? [all, all] : [all.slice(0, from), all.slice(from)];
    return { at, etag, headers, body, seen: { kind, dates, text: own } };
  },
};

/** Longer lines are not remembered, so that all of them are a few megabytes at most. */
const LONGEST_LINE = 300;

/** What was read, by the line it was read from: the same line is the same head, in whatever cache. */
const heads = new Remembered<Head>(4_000);

function headIn(line: string): Head {
  if (line.length > LONGEST_LINE) return JSON.parse(line) as Head;
  const known = heads.get(line);
  if (known) return known;
  // By a copy of the line: a slice of a text keeps all of the text in memory.
  return heads.set(Buffer.from(line).toString(), JSON.parse(line) as Head);
}

/**
 * What would have to be stored to send the same again; nothing if it must or can not be cached. A
 * response that says `no-store`, `no-cache` or `private`, sets a cookie, is encoded, or varies on what is
 * not in the key, is left alone; so is every status but 200, and every payload but text and what becomes
 * text.
 *
 * @param declared the headers of the request that are in the key
 * @param further the headers of the response that are kept beside those that always are
 * @internal
 */
export function storable(
  response: HttpResponse,
  payload: unknown,
  declared: readonly string[],
  further: readonly string[],
): StoredResponse | undefined {
  if (response.statusCode !== 200 || !mayBeKept(response, declared)) return undefined;
  const body = textOf(response, payload);
  if (body === undefined || body === '') return undefined;
  const headers: Record<string, string> = {};
  for (const name of [...ALWAYS_KEPT, ...further]) {
    const value = textHeader(response, name);
    if (value !== undefined) headers[name] = value;
  }
  if (isFastify(response) && typeof payload !== 'string') {
    headers['content-type'] ??= 'application/json; charset=utf-8';
  }
  const etag = textHeader(response, 'etag') ?? etagOf(body, headers['content-type']);
  return { at: Date.now(), etag, headers, body };
}

function mayBeKept(response: HttpResponse, declared: readonly string[]): boolean {
  const control = textHeader(response, 'cache-control') ?? '';
  return (
    !/\b(?:no-store|no-cache|private)\b/i.test(control) &&
    response.getHeader('set-cookie') === undefined &&
    response.getHeader('content-encoding') === undefined &&
    namesIn(textHeader(response, 'vary'))
      .map((name) => name.toLowerCase())
      .every((name) => declared.includes(name) || VARIED_LATER.includes(name))
  );
}

/** The body is compressed, and CORS headers are made, for each request anew. */
const VARIED_LATER = ['accept-encoding', 'origin'];

function namesIn(vary: string | undefined): string[] {
  if (!vary) return [];
  const names = vary.split(',').map((name) => name.trim());
  return names.filter((name) => name !== '');
}

function textOf(response: HttpResponse, payload: unknown): string | undefined {
  if (typeof payload === 'string') {
    return !isFastify(response) || serializesPlainly(response) ? payload : undefined;
  }
  if (payload === undefined || payload === null || !isPlainData(payload)) return undefined;
  if (!isFastify(response) || !serializesPlainly(response)) return undefined;
  const type = textHeader(response, 'content-type');
  if (type !== undefined && !type.includes('json')) return undefined;
  try {
    return response.serialize?.(payload);
  } catch {
    return undefined; // Fastify's own attempt reports it
  }
}

function etagOf(body: string, type = ''): string {
  const hash = createHash('sha256').update(type).update('\n').update(body).digest('base64url');
  return `"${hash.slice(0, 27)}"`;
}

/** The headers of `@CacheVary` beside those that are there. */
export function addVary(response: HttpResponse, names: readonly string[]): void {
  if (names.length === 0) return;
  const present = textHeader(response, 'vary');
  const known = namesIn(present).map((name) => name.toLowerCase());
  const missing = names.filter((name) => !known.includes(name.toLowerCase()));
  if (missing.length === 0 || known.includes('*')) return;
  response.header('vary', [...(present ? [present] : []), ...missing].join(', '));
}

/** What a stored response says it varies on. */
export const variesOn = ({ headers }: StoredResponse): string[] => namesIn(headers['vary']);
