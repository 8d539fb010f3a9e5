import type { IncomingMessage, Server, ServerResponse } from 'node:http';

import type { OnModuleInit } from '@nestjs/common';
import { Injectable } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { InjectMetric, makeHistogramProvider } from '@willsoto/nestjs-prometheus';
import type { FastifyInstance } from 'fastify';
import type { Histogram } from 'prom-client';

import type { LoadShedding } from './load-shedding.js';

const NAME = 'http_request_duration_seconds';

/** The route of requests that no route matches: the URLs of strangers must not become labels. */
const UNMATCHED = 'unmatched';

/** The status of a request whose caller left, or was sent away, before it was answered. */
const ABORTED = 'aborted';

type Labels = 'method' | 'route' | 'status';

/** Its buckets go from a cached answer to a little more than the default deadline of a command (5 s). */
export const httpRequestDuration = makeHistogramProvider({
  name: NAME,
  help: 'How long HTTP requests took, until the answer was sent or the connection was gone.',
  labelNames: ['method', 'route', 'status'] satisfies Labels[],
  buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 7.5],
});

/**
 * Measures every HTTP request that {@link LoadShedding} did not refuse, as
 * `http_request_duration_seconds{method,route,status}`. `route` is the pattern, such as `/users/:id`, never
 * the URL; `status` is the code, or `aborted`.
 *
 * It listens to Node's server, because Fastify's hooks are called neither for URLs that cannot be decoded
 * nor for callers that leave, which matter most in an outage.
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
    // The first listener, so that the work of the others is measured, too.
    server.prependListener('request', (request, response) => {
      this.#measure(request, response, fastify.loadShedding);
    });
  }

  #measure(request: IncomingMessage, response: ServerResponse, shedding: LoadShedding): void {
    const stop = this.#duration.startTimer();
    response.once('close', () => {
      if (shedding.hasRefused(request)) return; // its duration is the pause before the refusal
      stop({
        method: request.method ?? '',
        route: this.#routes.get(request) ?? UNMATCHED,
        status: response.writableFinished ? String(response.statusCode) : ABORTED,
      });
    });
  }
}
