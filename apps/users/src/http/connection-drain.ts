import type { Server } from 'node:http';

import type { BeforeApplicationShutdown } from '@nestjs/common';
import { Injectable, Logger } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';

/** Long enough for a request that is being answered, too short for one that waits for a frozen Redis. */
const DRAIN_MS = 2_000;

/**
 * Limits how long a stop waits for running requests. Nest alone would wait for the slowest one, and too
 * little time would be left to close the connections to Redis in order.
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
