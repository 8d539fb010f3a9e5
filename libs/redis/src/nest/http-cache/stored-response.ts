import { createHash } from 'node:crypto';
import { Remembered } from '../../cache/entry/lru.js';
import { VALUES_ARE_SHARED } from '../../cache/near/near-entry.js';
import {
  RedisConfigurationException,
  type ConfigurationProblem,
} from '../../errors/redis-configuration.exception.js';
import type { CacheSerializer } from '../../serialization/cache-serializer.js';
import { isPlainData, type SeenText } from './value-for-interceptors.js';
import { isFastify, serializesPlainly } from './adapter-internals.js';
import { namesSecret } from './credentials.js';
import { isHeaderName, textHeader, type HttpResponse } from './http-messages.js';

/** A response as it was sent. */
export interface StoredResponse {
  /** When, in milliseconds since 1970. */
  readonly at: number;
  readonly etag: string;
  /** The headers that are kept, by their names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** The value that interceptors further out saw, if there were any. */
  readonly seen?: SeenText;
}

interface Head extends Omit<StoredResponse, 'body' | 'seen'> {
  readonly seen?: Omit<SeenText, 'text'> & {
    /** Where the body ends and the value's own text begins; absent if they are the same. */
    readonly from?: number;
  };
}

/** Marks a text as a stored response, which is no JSON. */
const MARK = 'http2 ';

/**
 * Stores a response as a line of facts, its body, and the value that interceptors saw, unless that is the
 * body. A hit does not parse the body, and parses a line only once while it is remembered.
 *
 * @internal
 */
export const STORED_RESPONSES: CacheSerializer<StoredResponse> & { [VALUES_ARE_SHARED]: true } = {
  name: 'response',
  // The application gets what is made of it, never the response itself.
  [VALUES_ARE_SHARED]: true,
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

/** The lines that have been parsed. Equal lines are equal heads, in all caches. */
const heads = new Remembered<Head>(4_000);

function headIn(line: string): Head {
  if (line.length > LONGEST_LINE) return JSON.parse(line) as Head;
  const known = heads.get(line);
  if (known) return known;
  // With a copy of the line: a slice of a text keeps the whole text in memory.
  return heads.set(Buffer.from(line).toString(), JSON.parse(line) as Head);
}

/**
 * Makes what is stored of a response. Not stored are: a response that says `no-store`, `no-cache` or
 * `private`, sets a cookie, is encoded, or varies on a header that is not in the key; every status but 200;
 * every payload but text and what becomes text.
 *
 * @param declared the headers of the request that are in the key
 * @param further the headers of the response that are kept beside those that always are
 * @returns `undefined` if the response must not, or cannot, be cached
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

/** Each request has its own compression and its own CORS headers, made after the cache. */
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
    return undefined; // Fastify fails, too, and reports it
  }
}

function etagOf(body: string, type = ''): string {
  const hash = createHash('sha256').update(type).update('\n').update(body).digest('base64url');
  return `"${hash.slice(0, 27)}"`;
}

/** Adds names to the response's `Vary`, beside those that it has. */
export function addVary(response: HttpResponse, names: readonly string[]): void {
  if (names.length === 0) return;
  const present = textHeader(response, 'vary');
  const known = namesIn(present).map((name) => name.toLowerCase());
  const missing = names.filter((name) => !known.includes(name.toLowerCase()));
  if (missing.length === 0 || known.includes('*')) return;
  response.header('vary', [...(present ? [present] : []), ...missing].join(', '));
}

/** The names in the `Vary` of a stored response. */
export const variesOn = ({ headers }: StoredResponse): readonly string[] =>
  headers['vary'] === undefined ? [] : namesIn(headers['vary']);

/** Headers that describe the body, or who may keep it. All others belong to one exchange. */
const ALWAYS_KEPT: readonly string[] = [
  'cache-control',
  'content-disposition',
  'content-language',
  'content-type',
  'last-modified',
  'link',
  'vary',
];

/** Headers of one connection or one exchange (RFC 9110, section 7.6.1), and those that the cache sets. */
const OF_ONE_EXCHANGE: ReadonlySet<string> = new Set([
  'age',
  'clear-site-data',
  'connection',
  'content-encoding',
  'content-length',
  'content-range',
  'date',
  'etag',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'x-cache',
]);

/**
 * Checks the names of further response headers that are kept with a response.
 *
 * @param setting the option or decorator that names them, for the exception
 * @returns the names in lower case
 * @throws RedisConfigurationException for a text that is no name of a header, and for a header that belongs
 * to one exchange or one client, such as `Set-Cookie`
 * @internal
 */
export function keptHeaders(names: unknown, setting: string): readonly string[] {
  if (names === undefined) return [];
  if (!Array.isArray(names) || !names.every(isHeaderName)) {
    const accepted = "names of response headers, such as 'x-total-count'";
    throw new RedisConfigurationException([{ setting, value: JSON.stringify(names), accepted }]);
  }
  const lower = (names as string[]).map((name) => name.toLowerCase());
  const problems = lower.flatMap((name): ConfigurationProblem[] => {
    const accepted = reasonAgainst(name);
    return accepted === undefined ? [] : [{ setting, value: name, accepted }];
  });
  if (problems.length > 0) throw new RedisConfigurationException(problems);
  return lower;
}

function reasonAgainst(name: string): string | undefined {
  // CORS headers are made for the origin of each request.
  if (OF_ONE_EXCHANGE.has(name) || name.startsWith('access-control-allow-')) {
    return 'no header that is made for each response anew';
  }
  return namesSecret(name) ? 'no header that may carry what belongs to one client' : undefined;
}
