import type { IncomingMessage, Server, ServerResponse } from 'node:http';

import type { OnModuleInit } from '@nestjs/common';
import { Injectable } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { InjectMetric, makeHistogramProvider } from '@willsoto/nestjs-prometheus';
import type { FastifyInstance } from 'fastify';
import type { Histogram } from 'prom-client';

import type { LoadShedding } from './load-shedding.js';

const NAME = 'http_request_duration_seconds';

/** The route of whatever no route is for: what strangers ask for must not become labels. */
const UNMATCHED = 'unmatched';

/** The status of a request whose caller left, or was sent away, before it was answered. */
const ABORTED = 'aborted';

type Labels = 'method' | 'route' | 'status';

/** From a cached answer to the default deadline of a command (5 s) and a little more. */
export const httpRequestDuration = makeHistogramProvider({
  name: NAME,
  help: 'How long HTTP requests took, until the answer was sent or the connection was gone.',
  labelNames: ['method', 'route', 'status'] satisfies Labels[],
  buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 7.5],
});

/**
 * Measures every HTTP request that was not refused by {@link LoadShedding} as `http_request_duration_seconds{method,route,status}`. `route` is the
 * pattern, such as `/users/:id`, never the URL; `status` is the code, or `aborted`.
 *
 * It listens to Node's server, because Fastify's own hooks hear neither of URLs that cannot be decoded
 * nor of callers that leave: in an outage those are the interesting ones.
 */
@Injectable()
export class HttpMetrics implements OnModuleInit {
  readonly #adapterHost: HttpAdapterHost;
  readonly #duration: Histogram<Labels>;
  readonly #routes = new WeakMap<IncomingMessage, string>();

  constructor(adapterHost: HttpAdapterHost, @InjectMetric(NAME) duration: Histogram<Labels>) {
    this.#adapterHost = adapterHost;
    this.#duration = duration;
  }

  onModuleInit(): void {
    const adapter = this.#adapterHost.httpAdapter;
    const fastify = adapter.getInstance<FastifyInstance>();
    fastify.addHook('onRequest', (request, _reply, done) => {
      const { url } = request.routeOptions;
      if (url !== undefined) this.#routes.set(request.raw, url);
      done();
    });
    const server = adapter.getHttpServer() as Server;
    // First in the queue, so that the work of the others is part of what is measured.
    server.prependListener('request', (request, response) => {
      this.#measure(request, response, fastify.loadShedding);
    });
  }

  #measure(request: IncomingMessage, response: ServerResponse, shedding: LoadShedding): void {
    const stop = this.#duration.startTimer();
    response.once('close', () => {
      if (shedding.hasRefused(request)) return; // its time is a pause that was made for it
      stop({
        method: request.method ?? '',
        route: this.#routes.get(request) ?? UNMATCHED,
        status: response.writableFinished ? String(response.statusCode) : ABORTED,
      });
    });
  }
}
