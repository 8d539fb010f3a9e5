import type { Server } from 'node:http';

import type { BeforeApplicationShutdown } from '@nestjs/common';
import { Injectable, Logger } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';

/** Long for a request that is being answered, short for one that waits for a frozen Redis. */
const DRAIN_MS = 2_000;

/**
 * Bounds how long a stop waits for running requests: Nest, left alone, waits for the slowest, and the
 * time that is left would not do for an orderly goodbye to Redis.
 */
@Injectable()
export class ConnectionDrain implements BeforeApplicationShutdown {
  readonly #logger = new Logger('UsersApi');
  readonly #adapterHost: HttpAdapterHost;

  constructor(adapterHost: HttpAdapterHost) {
    this.#adapterHost = adapterHost;
  }

  beforeApplicationShutdown(): void {
    this.#logger.log('Stopping: running requests are finished, new ones refused');
    const server = this.#adapterHost.httpAdapter.getHttpServer() as Server;
    setTimeout(() => {
      server.closeAllConnections();
    }, DRAIN_MS).unref();
  }
}
