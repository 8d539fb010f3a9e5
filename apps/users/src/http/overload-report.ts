import type { OnApplicationShutdown, OnModuleInit } from '@nestjs/common';
import { Injectable, Logger } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { InjectMetric, makeCounterProvider } from '@willsoto/nestjs-prometheus';
import type { FastifyInstance } from 'fastify';
import type { Counter } from 'prom-client';

const NAME = 'http_requests_refused_total';

export const refusedRequests = makeCounterProvider({
  name: NAME,
  help: 'HTTP requests that got a 503 because there was more to do than could be done in time.',
});

/** How often an overload is checked for its end. */
const WATCH_INTERVAL_MS = 1_000;

/**
 * Counts refused requests as `http_requests_refused_total`, and writes one line when an overload begins and
 * one when it ends: a line for each request would add to the load.
 */
@Injectable()
export class OverloadReport implements OnModuleInit, OnApplicationShutdown {
  readonly #logger = new Logger(OverloadReport.name);
  readonly #adapterHost: HttpAdapterHost;
  readonly #counter: Counter;
  #refused = 0;
  #watch: NodeJS.Timeout | undefined;

  constructor(adapterHost: HttpAdapterHost, @InjectMetric(NAME) counter: Counter) {
    this.#adapterHost = adapterHost;
    this.#counter = counter;
  }

  onModuleInit(): void {
    const { loadShedding } = this.#adapterHost.httpAdapter.getInstance<FastifyInstance>();
    const endIfOver = (): void => {
      if (loadShedding.isOverloaded) return;
      clearInterval(this.#watch);
      this.#watch = undefined;
      this.#logger.log({ msg: 'No longer overloaded', refused: this.#refused });
    };
    loadShedding.onRefusal = () => {
      this.#counter.inc();
      if (this.#watch === undefined) {
        this.#refused = 0;
        this.#watch = setInterval(endIfOver, WATCH_INTERVAL_MS);
        this.#logger.warn('Overloaded: refusing requests that cannot be answered in time');
      }
      this.#refused++;
    };
  }

  onApplicationShutdown(): void {
    clearInterval(this.#watch);
  }
}
