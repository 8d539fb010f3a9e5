import { NotCached } from '../../cache/load/load-tracing.js';
import type { HttpCachePlan } from './http-cache.plan.js';
import { isFastify, nodeResponseOf, type HttpRequest, type HttpResponse } from './http-messages.js';
import { SeenValue, valueOf } from './seen-value.js';
import { addVary, storable, variesOn, type StoredResponse } from './stored-response.js';

export type XCache = 'HIT' | 'MISS' | 'STALE' | 'BYPASS';

/** The response to this request is not one to be cached. Never leaves the interceptor. */
export class NotCacheable extends NotCached {}

/**
 * One request and its response. Takes the place of `response.send`, which everything that Nest sends goes
 * through in the end: behind every interceptor, and in Fastify before the `onSend` hooks.
 *
 * @internal
 */
export class HttpExchange {
  readonly #request: HttpRequest;
  readonly #response: HttpResponse;
  readonly #vary: readonly string[];
  /** Headers of the response that are kept beside those that always are. */
  readonly #kept: readonly string[];
  /** What interceptors further out see of the response, if there are any. */
  readonly #seen: SeenValue | undefined;
  /** What sends the response, without us. */
  readonly #sendPlainly: HttpResponse['send'];

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
    this.#seen = isOutermost ? undefined : new SeenValue();
    addVary(response, vary);
  }

  /** Notes what the handler has answered, on its way to interceptors further out. */
  note(value: unknown): void {
    this.#seen?.note(value);
  }

  /** What interceptors further out are given of a stored response: what they saw when it was made. */
  valueOf({ body, seen }: StoredResponse): unknown {
    if (!this.#seen) return body; // nobody looks
    // Without, it was made where there were no such interceptors, and is what the handler answered.
    return valueOf(seen ?? { kind: isJson(body) ? 'json' : 'text', text: body, dates: [] });
  }

  mark(xCache: XCache): void {
    this.#response.header('X-Cache', xCache);
  }

  /**
   * Sends a stored response in place of whatever the pipeline makes of a hit, or of what it failed to
   * make. An error stays one: an interceptor further out may have refused the request.
   */
  replaceWith(stored: StoredResponse, xCache: XCache, ageMs: number): void {
    const response = this.#response;
    response.send = (payload) => {
      response.send = this.#sendPlainly;
      if (response.statusCode !== 200) return response.send(payload);
      response.header('Age', String(Math.max(0, Math.floor(ageMs / 1_000))));
      return this.#send(stored, xCache);
    };
  }

  /**
   * Waits for what the pipeline sends.
   *
   * @param outcome what the cache made of it; the response is held back until then, so that whoever
   * has it finds it cached
   * @returns rejects with NotCacheable if that is not to be cached
   */
  capture(outcome: Promise<XCache>): Promise<StoredResponse> {
    const response = this.#response;
    const { send } = response;
    this.mark('BYPASS'); // until it is captured: what is piped or hijacked never is
    return new Promise((resolve, reject) => {
      const refuse = () => {
        reject(new NotCacheable());
      };
      const node = nodeResponseOf(response);
      node.once('pipe', refuse); // Express: a stream goes past `send`
      node.once('finish', refuse); // it was sent by other means
      let isCaptured = false;
      response.send = (payload) => {
        // Fastify sends once more what has not been sent when the handler's promise ends.
        if (isCaptured) return response;
        if (becomesText(response, payload)) return send.call(response, payload);
        isCaptured = true;
        const stored = this.#storable(payload);
        if (!stored) {
          refuse();
          response.send = send;
          return response.send(payload);
        }
        resolve(stored);
        void outcome.then((xCache) => {
          response.send = send;
          this.#sendLate(stored, xCache);
        });
        return response;
      };
    });
  }

  /** Nothing, either, if interceptors further out could not be given again what they have seen. */
  #storable(payload: unknown): StoredResponse | undefined {
    const stored = storable(this.#response, payload, this.#vary, this.#kept);
    if (!stored || !this.#seen) return stored;
    const seen = this.#seen.asText(stored.body);
    return seen && { ...stored, seen };
  }

  /** Nobody waits for an error from here. */
  #sendLate(stored: StoredResponse, xCache: XCache): void {
    try {
      this.#send(stored, xCache);
    } catch (error) {
      nodeResponseOf(this.#response).destroy(error as Error);
    }
  }

  #send(stored: StoredResponse, xCache: XCache): unknown {
    const response = this.#response;
    const { headers } = stored;
    addVary(response, variesOn(stored));
    for (const name in headers) {
      if (name !== 'vary') response.header(name, headers[name] as string);
    }
    if (headers['content-type'] === undefined) response.removeHeader('content-type');
    response.header('ETag', stored.etag);
    this.mark(xCache);
    if (!this.#has(stored.etag)) return response.send(stored.body);
    response.status(304);
    response.removeHeader('content-type');
    return response.send();
  }

  /** Whether the client has it already: `If-None-Match`, compared weakly (RFC 9110, section 13.1.2). */
  #has(etag: string): boolean {
    const known = this.#request.headers['if-none-match'];
    if (typeof known !== 'string') return false;
    if (known.trim() === '*') return true;
    const opaque = etag.replace(/^W\//, '');
    return known.split(/(?<=")\s*,/).some((one) => one.trim().replace(/^W\//, '') === opaque);
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** Express's `send` makes JSON of an object and sends that, by calling itself. */
function becomesText(response: HttpResponse, payload: unknown): boolean {
  if (isFastify(response) || payload === null || payload === undefined) return false;
  return typeof payload !== 'string' && !ArrayBuffer.isView(payload);
}
