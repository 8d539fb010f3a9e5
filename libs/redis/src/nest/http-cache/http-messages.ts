/** The request and the response as Fastify and Express both have them. */

export interface HttpRequest {
  readonly method: string;
  readonly url: string;
  /** The whole path, where a router has shortened `url`. */
  readonly originalUrl?: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly protocol?: string;
  readonly host?: string;
  /** Express's, which is Node's. */
  readonly socket?: PeerSocket;
  /** Fastify's: Node's own request. */
  readonly raw?: { readonly socket?: PeerSocket };
}

/** What a TLS socket knows of the client's certificate. */
export interface PeerSocket {
  readonly authorized?: boolean;
  /** Why the certificate was not verified, if one was asked for. */
  readonly authorizationError?: unknown;
  getPeerCertificate?(): object;
}

export interface HttpResponse {
  readonly statusCode: number;
  send: (this: HttpResponse, payload?: unknown) => unknown;
  status(code: number): unknown;
  header(name: string, value: string): unknown;
  getHeader(name: string): number | string | readonly string[] | undefined;
  removeHeader(name: string): unknown;
  /** Fastify's: what makes text of an object. */
  serialize?(payload: unknown): string;
  /** Fastify's: its own request, and Node's response. */
  readonly request?: object;
  readonly raw?: NodeResponse;
}

export interface NodeResponse {
  once(event: 'finish' | 'pipe', listener: () => void): unknown;
  destroy(error?: Error): unknown;
}

/** Node's own response, which Express's extends. */
export function nodeResponseOf(response: HttpResponse): NodeResponse {
  return response.raw ?? (response as unknown as NodeResponse);
}

export function textHeader(response: HttpResponse, name: string): string | undefined {
  const value = response.getHeader(name);
  return value === undefined ? undefined : String(value);
}

export const isFastify = (response: HttpResponse): boolean =>
  typeof response.serialize === 'function';

/**
 * Whether an object that is sent is turned into text by nothing else than `reply.serialize`. A
 * `preSerialization` hook may hide something, and does not run for text; a serializer of the reply's own
 * would run once more.
 */
export function serializesPlainly(reply: HttpResponse): boolean {
  const context = internal(reply.request, 'fastify.context') as
    { preSerialization?: unknown } | undefined;
  return context?.preSerialization === null && internal(reply, 'fastify.reply.serializer') === null;
}

/** Fastify keeps these under symbols that it does not export. */
function internal(owner: object | undefined, description: string): unknown {
  if (!owner) return undefined;
  const symbol = Object.getOwnPropertySymbols(owner).find((own) => own.description === description);
  return symbol && (owner as Record<symbol, unknown>)[symbol];
}

/** RFC 9110, section 5.6.2. */
export function isHeaderName(name: unknown): boolean {
  return typeof name === 'string' && /^[!#$%&'*+.^_`|~\w-]+$/.test(name);
}
