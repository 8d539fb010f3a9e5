import type { ExecutionContext } from '@nestjs/common';
import { Remembered } from '../../cache/entry/lru.js';
import type { HttpRequest, PeerSocket } from './http-messages.js';

/**
 * Parts of the names of headers in which clients usually identify themselves. The guide has the list in
 * words (caching-http.md, "Whose response it is").
 */
const TELLING: readonly [RegExp, RegExp] = [
  /auth(?!or(?:s|ity)?(?:-|$))|token|jwt|secret|passw|cookie|session|credential|signature|principal|identity|api-?key|client-?id/,
  /(?:^|-)(?:key|assertion|user|user-?id|username|email|account|consumer|customer|member|tenant|cert|dn|sid|dpop)(?:-|$)/,
];

/** Names that match but identify no client: those of browsers, of caches and of HTTP/2 itself. */
const NOT_TELLING =
  /^(?::|sec-|access-control-)|^(?:x-)?(?:user-agent|idempotency-key|cache-key|surrogate-key)$/;

/** Query parameters that are a credential, without `-` and `_`. */
const SECRET_PARAMETERS =
  /^(?:x?api(?:key|token)|(?:access|auth|id|session)?token|auth|authorization|jwt|session(?:id)?|sid|secret|clientsecret|password|sig|signature|subscriptionkey)$/;

/** Clients decide how many names of headers there are, so only this many are remembered. */
const MOST_NAMES = 1_000;

/**
 * Detects whether a client has identified itself in any of the usual ways. Its response then belongs to it
 * alone, unless the handler says otherwise.
 *
 * @internal
 */
export class Credentials {
  readonly #further: ReadonlySet<string>;
  readonly #known = new Remembered<boolean>(MOST_NAMES);

  /** @param further names of headers that also count as credentials */
  constructor(further: readonly string[] = []) {
    this.#further = new Set(further.map((name) => name.toLowerCase()));
  }

  /**
   * Whether a request has credentials: in a header, in a certificate of the client, or in what a guard has
   * stored.
   *
   * @param inKey headers that are part of the response's key, so that no other client shares it
   */
  areIn(request: HttpRequest, inKey: readonly string[]): boolean {
    const { headers } = request;
    for (const name in headers) {
      if (headers[name] !== undefined && this.#tells(name) && !inKey.includes(name)) return true;
    }
    return hasIdentity(request) || hasCertificate(request.raw?.socket ?? request.socket);
  }

  /** Whether the query, which a key of `@CacheKey` leaves out, has credentials. */
  areInQuery({ originalUrl, url }: HttpRequest): boolean {
    const [, query = ''] = (originalUrl ?? url).split('?', 2);
    return [...new URLSearchParams(query).keys()].some(isSecret);
  }

  /** Whether a call that is not HTTP has credentials, beside its message. */
  areInContext(context: ExecutionContext): boolean {
    return carriersOf(context).some(({ identity, headers, query, socket }) => {
      return (
        hasIdentity(identity) ||
        namesIn(headers).some((name) => this.#tells(name.toLowerCase())) ||
        namesIn(query).some(isSecret) ||
        hasCertificate(socket as PeerSocket | undefined)
      );
    });
  }

  #tells(name: string): boolean {
    const known = this.#known.get(name);
    if (known !== undefined) return known;
    const tells = !NOT_TELLING.test(name) && TELLING.some((words) => words.test(name));
    return this.#known.set(name, tells || this.#further.has(name));
  }
}

/** Whether a header, of a request or a response, may carry what belongs to one client. */
export function namesSecret(header: string): boolean {
  return !NOT_TELLING.test(header) && (TELLING[0].test(header) || /[cx]srf/.test(header));
}

const isSecret = (parameter: string): boolean =>
  SECRET_PARAMETERS.test(parameter.toLowerCase().replaceAll(/[-_]/g, ''));

/**
 * Whether one of the properties has a value in which guards, middleware and GraphQL contexts store the
 * client that they found. Written out: it is asked with every request, and a list of names took twenty
 * times as long.
 */
function hasIdentity(owner: unknown): boolean {
  if (!isObject(owner)) return false;
  return Boolean(
    owner['user'] ||
    owner['currentUser'] ||
    owner['viewer'] ||
    owner['userId'] ||
    owner['auth'] ||
    owner['principal'] ||
    owner['account'] ||
    owner['apiKey'] ||
    owner['token'] ||
    owner['jwt'],
  );
}

/** Whether a client sent a certificate: a verified one, or one that the application has to judge. */
function hasCertificate(socket: PeerSocket | undefined): boolean {
  if (socket?.authorized === true) return true;
  if (!socket?.authorizationError) return false;
  return Object.keys(socket.getPeerCertificate?.() ?? {}).length > 0;
}

/** A place in which a call may have credentials of its client. */
interface Carrier {
  readonly identity?: unknown;
  readonly headers?: unknown;
  readonly query?: unknown;
  readonly socket?: unknown;
}

function carriersOf(context: ExecutionContext): Carrier[] {
  switch (context.getType<string>()) {
    case 'ws':
      return carriersOfSocket(context.switchToWs().getClient());
    case 'rpc':
      return carriersOfMessage(context.switchToRpc().getContext());
    default:
      return carriersOfResolver(context.getArgByIndex(2));
  }
}

/** A client of socket.io, and what middleware has stored on it; of a native WebSocket only the latter. */
function carriersOfSocket(client: unknown): Carrier[] {
  const [handshake, request] = [at(client, 'handshake'), at(client, 'request')];
  return [
    { identity: client },
    { identity: at(client, 'data') },
    { identity: request, headers: at(request, 'headers'), socket: at(request, 'socket') },
    { headers: at(handshake, 'headers'), query: at(handshake, 'query') },
    { identity: namesIn(at(handshake, 'auth')).length > 0 ? { auth: true } : {} },
  ];
}

/** The contexts of Nest's transports: NATS, TCP, gRPC, Kafka, RabbitMQ and MQTT. */
function carriersOfMessage(context: unknown): Carrier[] {
  const message = called(context, 'getMessage');
  const packet = called(context, 'getPacket');
  return [
    { identity: context, headers: called(context, 'getHeaders') },
    { headers: called(context, 'getMetadata') },
    { headers: called(context, 'getMap') },
    { headers: at(message, 'headers') },
    { headers: at(message, 'properties', 'headers') },
    { headers: at(packet, 'properties', 'userProperties') },
    { socket: at(called(context, 'getSocketRef'), 'netSocket') },
  ];
}

/** The context of a resolver: of Apollo and Mercurius, of queries and subscriptions. */
function carriersOfResolver(context: unknown): Carrier[] {
  const requests = [
    at(context, 'req'),
    at(context, 'request'),
    at(context, 'reply', 'request'),
    at(context, 'extra', 'request'),
    at(context, 'req', 'extra', 'request'),
  ];
  return [
    { identity: context, headers: at(context, 'headers') },
    { headers: at(context, 'connectionParams') },
    { headers: at(context, 'req', 'connectionParams') },
    ...requests.map((request) => ({
      identity: request,
      headers: at(request, 'headers'),
      socket: at(request, 'raw', 'socket') ?? at(request, 'socket'),
    })),
  ];
}

/** The keys of an object, or of a collection: `Headers`, a `Map`, the headers of NATS. */
function namesIn(headers: unknown): string[] {
  if (!isObject(headers)) return [];
  const names = called(headers, 'keys') as Iterable<unknown> | undefined;
  return names === undefined ? Object.keys(headers) : Array.from(names, String);
}

function at(owner: unknown, ...path: readonly string[]): unknown {
  return path.reduce((found, name) => (isObject(found) ? found[name] : undefined), owner);
}

function called(owner: unknown, method: string): unknown {
  if (!isObject(owner)) return undefined;
  const found = owner[method];
  return typeof found === 'function' ? (found.call(owner) as unknown) : undefined;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
