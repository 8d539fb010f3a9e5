import { HttpException } from '@nestjs/common';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';

import { problemOf } from './problem-of.js';
import { chooseRequestId, REQUEST_ID_HEADER } from './request-id.js';

/** A user takes about 200 bytes; anything above this is a mistake or an attack, and gets a 413. */
const BODY_LIMIT_BYTES = 64 * 1024;

/** Fastify answers 414 above this; ours is above what Node accepts as a header, so the API decides. */
const LONGEST_PARAMETER = 16 * 1024;

/**
 * Fastify as this API wants it. JSON is the only body it reads, with Fastify's own parser: create the
 * application with `bodyParser: false`, or Nest adds a parser for HTML forms.
 */
export function createHttpAdapter(): FastifyAdapter {
  const adapter = new FastifyAdapter({
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
  return adapter;
}

/** A URL that cannot be decoded never reaches Nest, nor the hook above. */
function refuse(error: FastifyError, request: FastifyRequest, reply: FastifyReply): void {
  const problem = problemOf(new HttpException(error.message, error.statusCode ?? 400));
  void reply
    .header(REQUEST_ID_HEADER, request.id)
    .type('application/problem+json')
    .code(problem.status)
    .send(problem);
}
