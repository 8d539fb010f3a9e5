import type { ExecutionContext } from '@nestjs/common';
import { Remembered } from '../../cache/entry/lru.js';
import type { HttpRequest, PeerSocket } from './http-messages.js';

/**
 * The customary ways to say who one is, in a header: its name has one of these in it. The guide has the
 * list in words (caching-http.md, "Whose response it is").
 */
const TELLING: readonly [RegExp, RegExp] = [
  /auth(?!or(?:s|ity)?(?:-|$))|token|jwt|secret|passw|cookie|session|credential|signature|principal|identity|api-?key|client-?id/,
  /(?:^|-)(?:key|assertion|user|user-?id|username|email|account|consumer|customer|member|tenant|cert|dn|sid|dpop)(?:-|$)/,
];

/** What looks like one and is none: what browsers and caches send, and HTTP/2's own. */
const NOT_TELLING =
  /^(?::|sec-|access-control-)|^(?:x-)?(?:user-agent|idempotency-key|cache-key|surrogate-key)$/;

/** Where guards, middleware and GraphQL contexts note who has been found. */
const IDENTITIES = [
  'user',
  'currentUser',
  'viewer',
  'userId',
  'auth',
  'principal',
  'account',
  'apiKey',
  'token',
  'jwt',
] as const;

/** Parameters of a query that are a credential, without `-` and `_`. */
const SECRET_PARAMETERS =
  /^(?:x?api(?:key|token)|(?:access|auth|id|session)?token|auth|authorization|jwt|session(?:id)?|sid|secret|clientsecret|password|sig|signature|subscriptionkey)$/;

/** Clients choose what they call their headers. */
const MOST_NAMES = 1_000;

/**
 * Tells whether a client has said who it is, in any of the customary ways: then its response is its own
 * until the handler says otherwise.
 *
 * @internal
 */
export class Credentials {
  readonly #further: ReadonlySet<string>;
  readonly #known = new Remembered<boolean>(MOST_NAMES);

  /** @param further names of headers that count, too */
  constructor(further: readonly string[] = []) {
    this.#further = new Set(further.map((name) => name.toLowerCase()));
  }

  /**
   * Whether they are in a request: in a header, a verified certificate of the client, or in what a guard
   * has found.
   *
   * @param inKey headers that are part of the response's key, so that it is shared with nobody else
   */
  areIn(request: HttpRequest, inKey: readonly string[]): boolean {
    const { headers } = request;
    for (const name in headers) {
      if (headers[name] !== undefined && this.#tells(name) && !inKey.includes(name)) return true;
    }
    return hasIdentity(request) || hasCertificate(request.raw?.socket ?? request.socket);
  }

  /** Whether they are in the query, which is no part of a key that `@CacheKey` gives. */
  areInQuery({ originalUrl, url }: HttpRequest): boolean {
    const [, query = ''] = (originalUrl ?? url).split('?', 2);
    return [...new URLSearchParams(query).keys()].some(isSecret);
  }

  /** The same for a call that is not HTTP's: in what there is of the client beside its message. */
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

/** Whether a header, of a request or a response, carries what only one client may have. */
export function namesSecret(header: string): boolean {
  return !NOT_TELLING.test(header) && (TELLING[0].test(header) || /[cx]srf/.test(header));
}

const isSecret = (parameter: string): boolean =>
  SECRET_PARAMETERS.test(parameter.toLowerCase().replaceAll(/[-_]/g, ''));

function hasIdentity(owner: unknown): boolean {
  if (!isObject(owner)) return false;
  return IDENTITIES.some((name) => Boolean(owner[name]));
}

/** The certificate of a client that was asked for one: verified, or for the application to judge. */
function hasCertificate(socket: PeerSocket | undefined): boolean {
  if (socket?.authorized === true) return true;
  if (!socket?.authorizationError) return false;
  return Object.keys(socket.getPeerCertificate?.() ?? {}).length > 0;
}

/** Where a call may have something of its client. */
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

/** A client of socket.io, and what a middleware has noted of it; of a native WebSocket only the latter. */
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

/** Of an object, and of what has keys: `Headers`, a `Map`, the headers of NATS. */
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
