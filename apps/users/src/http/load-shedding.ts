import type { IncomingMessage, ServerResponse } from 'node:http';

import type { FastifyInstance } from 'fastify';

import { isProbe } from './probes.js';
import type { Problem } from './problem.js';
import { chooseRequestId, REQUEST_ID_HEADER } from './request-id.js';
import type { QueueLimits } from './request-queue.js';
import { RequestQueue } from './request-queue.js';

declare module 'fastify' {
  interface FastifyInstance {
    loadShedding: LoadShedding;
  }
}

/** When a caller should try again, in seconds. */
const RETRY_AFTER = '1';

/** A refusal is sent after a random part of this, in milliseconds. */
const LONGEST_PAUSE_MS = 1_000;

/** How many probes are answered out of turn at the same time. Further ones wait like all requests. */
const MOST_PROBES = 8;

const OVERLOADED: Problem = {
  type: 'urn:users-api:overloaded',
  title: 'Service Unavailable',
  status: 503,
  detail: 'There is more to do than can be done in time. Please try again shortly.',
};
const BODY = JSON.stringify(OVERLOADED);

/**
 * Refuses requests with 503 and `Retry-After` during an overload, so that the accepted ones are answered in
 * time. Probes begin before all other requests.
 *
 * Most callers repeat a refused request at once, and all of them together. Each refusal is therefore held
 * for a random time: that costs a timer, and spreads the repetitions.
 */
export class LoadShedding {
  /** Called for each refusal. */
  onRefusal: (() => void) | undefined;
  readonly #queue: RequestQueue;
  readonly #refused = new WeakSet<IncomingMessage>();
  #probes = 0;

  constructor(limits: QueueLimits) {
    this.#queue = new RequestQueue(limits);
  }

  /** Whether requests are refused that would wait for too long. */
  get isOverloaded(): boolean {
    return this.#queue.isOverloaded;
  }

  /** Whether this request was refused, and never begun. */
  hasRefused(request: IncomingMessage): boolean {
    return this.#refused.has(request);
  }

  /** Takes the requests before Fastify does: a refused one costs none of its work. */
  standBefore(fastify: FastifyInstance): void {
    fastify.decorate<LoadShedding>('loadShedding', this);
    const { server } = fastify;
    const listeners = server.listeners('request');
    server.removeAllListeners('request');
    server.on('request', (request: IncomingMessage, response: ServerResponse) => {
      const begin = (): void => {
        for (const listener of listeners) listener.call(server, request, response);
      };
      if (this.#takesProbe(request, response)) {
        begin();
        return;
      }
      this.#queue.enter({
        begin,
        refuse: () => {
          this.#refuse(request, response);
        },
        isGone: () => response.destroyed,
      });
    });
    server.on('connection', () => {
      this.#queue.makeWay();
    });
    // The body is complete.
    fastify.addHook('preValidation', (_request, reply, done) => {
      this.#queue.occupy();
      reply.raw.once('close', () => {
        this.#queue.release();
      });
      done();
    });
  }

  #takesProbe({ url }: IncomingMessage, response: ServerResponse): boolean {
    if (this.#probes >= MOST_PROBES || !isProbe(url?.split('?', 1)[0])) return false;
    this.#probes++;
    response.once('close', () => this.#probes--);
    return true;
  }

  #refuse(request: IncomingMessage, response: ServerResponse): void {
    this.#refused.add(request);
    this.onRefusal?.();
    setTimeout(() => {
      response
        .writeHead(503, {
          'content-type': 'application/problem+json; charset=utf-8',
          'content-length': BODY.length,
          'retry-after': RETRY_AFTER,
          [REQUEST_ID_HEADER]: chooseRequestId(request),
        })
        .end(BODY);
    }, Math.random() * LONGEST_PAUSE_MS);
  }
}
