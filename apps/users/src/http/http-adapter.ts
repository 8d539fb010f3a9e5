import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';

import { HttpException } from '@nestjs/common';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import type { ConnectionError, FastifyError, FastifyReply, FastifyRequest } from 'fastify';

import { LoadShedding } from './load-shedding.js';
import { problemOf } from './problem-of.js';
import { chooseRequestId, REQUEST_ID_HEADER } from './request-id.js';
import type { QueueLimits } from './request-queue.js';

/** A user takes about 200 bytes; anything above this is a mistake or an attack, and gets a 413. */
const BODY_LIMIT_BYTES = 64 * 1024;

/** Fastify answers 414 above this; ours is above what Node accepts as a header, so the API decides. */
const LONGEST_PARAMETER = 16 * 1024;

/** How often Node looks for callers that take too long. */
const LONGEST_CHECK_INTERVAL_MS = 1_000;

/** The statuses of errors of a connection; all others are a 400. */
const CONNECTION_ERRORS: Readonly<Record<string, number>> = {
  ERR_HTTP_REQUEST_TIMEOUT: 408,
  HPE_HEADER_OVERFLOW: 431,
};

export interface HttpOptions extends QueueLimits {
  /** How long a caller may take to send a request, body included, in milliseconds. */
  readonly requestTimeoutMs: number;
}

/**
 * Makes the Fastify of this API. JSON is the only body that it reads, with Fastify's own parser: create the
 * application with `bodyParser: false`, or Nest adds a parser for HTML forms.
 */
export function createHttpAdapter({ requestTimeoutMs, ...limits }: HttpOptions): FastifyAdapter {
  const adapter = new FastifyAdapter({
    // By default, Fastify waits forever.
    requestTimeout: requestTimeoutMs,
    http: {
      headersTimeout: requestTimeoutMs,
      connectionsCheckingInterval: Math.min(requestTimeoutMs, LONGEST_CHECK_INTERVAL_MS),
    },
    clientErrorHandler: dismiss,
    bodyLimit: BODY_LIMIT_BYTES,
    routerOptions: { maxParamLength: LONGEST_PARAMETER },
    genReqId: chooseRequestId,
    frameworkErrors: refuse,
  });
  const fastify = adapter.getInstance();
  fastify.removeContentTypeParser('text/plain');
  fastify.addHook('onRequest', (request, reply, done) => {
    reply.header(REQUEST_ID_HEADER, request.id);
    done();
  });
  new LoadShedding(limits).standBefore(fastify);
  return adapter;
}

/** Answers data that is no HTTP, or that comes too slowly: it never becomes a request. */
function dismiss({ code }: ConnectionError, socket: Socket): void {
  if (socket.writable) {
    const status = CONNECTION_ERRORS[code] ?? 400;
    const problem = problemOf(new HttpException(STATUS_CODES[status] ?? '', status));
    const body = JSON.stringify(problem);
    socket.write(
      [
        `HTTP/1.1 ${status} ${problem.title}`,
        'Content-Type: application/problem+json; charset=utf-8',
        `Content-Length: ${Buffer.byteLength(body)}`,
        'Connection: close',
        '',
        body,
      ].join('\r\n'),
    );
  }
  socket.destroy();
}

/** Answers a URL that cannot be decoded: it reaches neither Nest nor the hook above. */
function refuse(error: FastifyError, request: FastifyRequest, reply: FastifyReply): void {
  const problem = problemOf(new HttpException(error.message, error.statusCode ?? 400));
  void reply
    .header(REQUEST_ID_HEADER, request.id)
    .type('application/problem+json')
    .code(problem.status)
    .send(problem);
}
