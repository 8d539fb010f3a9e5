/** The documented members of requests and responses that Fastify and Express have in common. */

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

/** A TLS socket, as far as it knows the client's certificate. */
export interface PeerSocket {
  readonly authorized?: boolean;
  /** Why the certificate was not verified, if the server asked for one. */
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
  /** Fastify's: turns an object into text. */
  serialize?(payload: unknown): string;
  /** Fastify's: its own request, and Node's response. */
  readonly request?: object;
  readonly raw?: NodeResponse;
}

export interface NodeResponse {
  once(event: 'finish' | 'pipe', listener: () => void): unknown;
  destroy(error?: Error): unknown;
}

export function textHeader(response: HttpResponse, name: string): string | undefined {
  const value = response.getHeader(name);
  return value === undefined ? undefined : String(value);
}

/** Whether a value is a name as RFC 9110, section 5.6.2, defines it. */
export function isHeaderName(name: unknown): boolean {
  return typeof name === 'string' && /^[!#$%&'*+.^_`|~\w-]+$/.test(name);
}
