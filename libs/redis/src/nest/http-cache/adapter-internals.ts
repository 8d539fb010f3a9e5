/**
 * The insides of Fastify and Express that cached responses depend on. Checked with Fastify 5.12, Express
 * 5.3 and Nest's adapters of 12.5. `cache-interceptor-internals.int-spec.ts` fails when one of them changes, and each function says what happens to an application whose framework has changed it.
 */
import type { HttpResponse, NodeResponse } from './http-messages.js';

/**
 * Replaces what sends a response. Nest's adapters call `response.send` for what a handler returns, behind all
 * interceptors, and Fastify calls its `onSend` hooks after it. A replacement that sends later returns the
 * response: Nest waits for it, and Fastify's reply is a promise until it is sent.
 *
 * On Express, a stream goes past it (the response emits `pipe`), and an object may come twice: see
 * {@link comesAgainAsText}. If an adapter sends by other means, the response emits `finish` without a call,
 * and is not cached.
 */
export function replaceSend(response: HttpResponse, send: HttpResponse['send']): void {
  response.send = send;
}

/** Node's own response, which Express's extends. */
export function nodeResponseOf(response: HttpResponse): NodeResponse {
  return response.raw ?? (response as unknown as NodeResponse);
}

export const isFastify = (response: HttpResponse): boolean =>
  typeof response.serialize === 'function';

/**
 * Whether Express's `send` turns this into JSON and calls itself with the text. If Express no longer does,
 * the response is not cached.
 */
export function comesAgainAsText(response: HttpResponse, payload: unknown): boolean {
  if (isFastify(response) || payload === null || payload === undefined) return false;
  return typeof payload !== 'string' && !ArrayBuffer.isView(payload);
}

/**
 * Whether `reply.serialize` alone turns an object into the text that Fastify sends. A `preSerialization`
 * hook may hide something, and does not run for text; a serializer of the reply's own would run twice.
 *
 * @returns `false` if Fastify keeps hook and serializer elsewhere: the response is then not cached
 */
export function serializesPlainly(reply: HttpResponse): boolean {
  const context = bySymbol(reply.request, 'fastify.context') as
    { preSerialization?: unknown } | undefined;
  return context?.preSerialization === null && bySymbol(reply, 'fastify.reply.serializer') === null;
}

/** Fastify keeps these under symbols that it does not export. */
function bySymbol(owner: object | undefined, description: string): unknown {
  if (!owner) return undefined;
  const symbol = Object.getOwnPropertySymbols(owner).find((own) => own.description === description);
  return symbol && (owner as Record<symbol, unknown>)[symbol];
}
