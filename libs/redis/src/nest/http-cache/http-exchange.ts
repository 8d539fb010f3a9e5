import { NotCached } from '../../cache/load/load-tracing.js';
import { comesAgainAsText, nodeResponseOf, replaceSend } from './adapter-internals.js';
import type { HttpCachePlan } from './http-cache.plan.js';
import type { HttpRequest, HttpResponse } from './http-messages.js';
import { SeenValue, valueOf } from './value-for-interceptors.js';
import { addVary, storable, variesOn, type StoredResponse } from './stored-response.js';

export type XCache = 'HIT' | 'MISS' | 'STALE' | 'BYPASS';

/** Rejects a load whose response must not be cached. It never leaves the interceptor. */
export class NotCacheable extends NotCached {}

/**
 * Replaces or captures the response to one request, in place of `response.send`.
 *
 * @internal
 */
export class HttpExchange {
  readonly #request: HttpRequest;
  readonly #response: HttpResponse;
  readonly #vary: readonly string[];
  /** Headers of the response that are kept beside those that always are. */
  readonly #kept: readonly string[];
  /** Whether Nest itself sends what the cache's interceptor emits: no interceptor is further out. */
  readonly #isOutermost: boolean;
  /** The value that interceptors further out see. */
  #seen: SeenValue | undefined;
  /** Sends the response without the cache. */
  readonly #sendPlainly: HttpResponse['send'];
  #isCaptured = false;

  constructor(
    request: HttpRequest,
    response: HttpResponse,
    { vary, headers, isOutermost }: Pick<HttpCachePlan, 'vary' | 'headers' | 'isOutermost'>,
  ) {
    this.#request = request;
    this.#response = response;
    this.#sendPlainly = response.send;
    this.#vary = vary;
    this.#kept = headers;
    this.#isOutermost = isOutermost;
    addVary(response, vary);
  }

  /** Notes the handler's value on its way to interceptors further out. */
  note(value: unknown): void {
    if (!this.#isOutermost) (this.#seen ??= new SeenValue()).note(value);
  }

  mark(xCache: XCache): void {
    this.#response.header('X-Cache', xCache);
  }

  /**
   * Answers with a stored response.
   *
   * @returns the value that the cache's interceptor emits: the body, which Nest sends, or what interceptors
   * further out saw when the response was made
   */
  answer(stored: StoredResponse, xCache: XCache, ageMs: number): unknown {
    const isUntouched = !this.#isCaptured && this.#response.statusCode === 200;
    if (this.#isOutermost && isUntouched) return this.#describe(stored, xCache, ageMs);
    this.#replaceWith(stored, xCache, ageMs);
    return this.#isOutermost ? stored.body : valueSeen(stored);
  }

  /**
   * Waits for the response that the pipeline sends.
   *
   * @param outcome of caching it; the response is held back until then, so that a client that has it finds
   * it in the cache
   * @returns rejects with NotCacheable if the response must not be cached
   */
  capture(outcome: Promise<XCache>): Promise<StoredResponse> {
    const response = this.#response;
    const { send } = response;
    this.#isCaptured = true;
    this.mark('BYPASS'); // until it is captured: what is piped or hijacked never is
    return new Promise((resolve, reject) => {
      const refuse = () => {
        reject(new NotCacheable());
      };
      const node = nodeResponseOf(response);
      node.once('pipe', refuse); // Express sends a stream
      node.once('finish', refuse); // the response was sent by other means
      let isCaptured = false;
      replaceSend(response, (payload) => {
        if (isCaptured) return response; // the captured response is sent once it is cached, and no other
        if (comesAgainAsText(response, payload)) return send.call(response, payload);
        isCaptured = true;
        const stored = this.#storable(payload);
        if (!stored) {
          refuse();
          replaceSend(response, send);
          return response.send(payload);
        }
        resolve(stored);
        void outcome.then((xCache) => {
          replaceSend(response, send);
          this.#sendLate(stored, xCache);
        });
        return response;
      });
    });
  }

  /** The response, unless interceptors further out could not be shown their value again. */
  #storable(payload: unknown): StoredResponse | undefined {
    const stored = storable(this.#response, payload, this.#vary, this.#kept);
    if (!stored || this.#isOutermost) return stored;
    const seen = this.#seen?.asText(stored.body);
    return seen && { ...stored, seen };
  }

  /**
   * Sends a stored response in place of what the pipeline makes of a hit, or failed to make. An error is
   * sent as it is: an interceptor further out may have refused the request.
   */
  #replaceWith(stored: StoredResponse, xCache: XCache, ageMs: number): void {
    const response = this.#response;
    replaceSend(response, (payload) => {
      replaceSend(response, this.#sendPlainly);
      return response.send(
        response.statusCode === 200 ? this.#describe(stored, xCache, ageMs) : payload,
      );
    });
  }

  /** An error from here has no caller who could handle it. */
  #sendLate(stored: StoredResponse, xCache: XCache): void {
    try {
      this.#response.send(this.#describe(stored, xCache));
    } catch (error) {
      nodeResponseOf(this.#response).destroy(error as Error);
    }
  }

  /**
   * Sets the status and the headers of a stored response.
   *
   * @param ageMs how long ago it was made; `undefined` if that was for this request
   * @returns the body to send: none if the client has it already
   */
  #describe(stored: StoredResponse, xCache: XCache, ageMs?: number): string | undefined {
    const response = this.#response;
    const { headers } = stored;
    if (ageMs !== undefined) response.header('Age', String(Math.max(0, Math.floor(ageMs / 1_000))));
    addVary(response, variesOn(stored));
    for (const name in headers) {
      if (name !== 'vary') response.header(name, headers[name] as string);
    }
    if (headers['content-type'] === undefined) response.removeHeader('content-type');
    response.header('ETag', stored.etag);
    this.mark(xCache);
    if (!this.#has(stored.etag)) return stored.body;
    response.status(304);
    response.removeHeader('content-type');
    return undefined;
  }

  /** Whether the client has it already: weak comparison of `If-None-Match` (RFC 9110, section 13.1.2). */
  #has(etag: string): boolean {
    const known = this.#request.headers['if-none-match'];
    if (typeof known !== 'string') return false;
    if (known.trim() === '*') return true;
    const opaque = etag.replace(/^W\//, '');
    return known.split(/(?<=")\s*,/).some((one) => one.trim().replace(/^W\//, '') === opaque);
  }
}

/**
 * The value that interceptors further out saw when a response was made. A response without it was made
 * without such interceptors: its body is the handler's value.
 */
function valueSeen({ body, seen }: StoredResponse): unknown {
  return valueOf(seen ?? { kind: isJson(body) ? 'json' : 'text', text: body, dates: [] });
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
