import {
  Module,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
  type OnModuleInit,
} from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import { Connections } from '../connection/connections.js';
import { Telemetry } from '../telemetry/telemetry.js';
import { TelemetryLogger } from './logging/telemetry.logger.js';
import { refuseRequestScope } from './request-scope.js';

/**
 * Holds what the connections of one application share: Nest makes a static module once per application.
 * Closes them in `onApplicationShutdown`, after the HTTP server has finished its last requests.
 */
@Module({
  providers: [
    { provide: Telemetry, useFactory: () => new Telemetry() },
    {
      provide: TelemetryLogger,
      inject: [Telemetry],
      useFactory: (telemetry: Telemetry) => new TelemetryLogger(telemetry),
    },
    {
      provide: Connections,
      inject: [Telemetry],
      useFactory: (telemetry: Telemetry) => new Connections(telemetry),
    },
  ],
  exports: [Connections, Telemetry, TelemetryLogger],
})
export class RedisCoreModule
  implements OnModuleInit, OnApplicationBootstrap, OnApplicationShutdown
{
  readonly #connections: Connections;
  readonly #logger: TelemetryLogger;
  readonly #modules: ModulesContainer;

  constructor(connections: Connections, logger: TelemetryLogger, modules: ModulesContainer) {
    this.#connections = connections;
    this.#logger = logger;
    this.#modules = modules;
  }

  /** @throws RedisConfigurationException if a connection's options depend on a request */
  async onModuleInit(): Promise<void> {
    try {
      refuseRequestScope(this.#modules);
    } catch (error) {
      await this.#connections.closeAll(); // the boot has failed: Nest runs no shutdown hook
      throw error;
    }
    this.#connections.connectInBackground();
  }

  onApplicationBootstrap(): void {
    this.#connections.applicationIsUp();
  }

  async onApplicationShutdown(): Promise<void> {
    await this.#connections.closeAll();
    this.#logger.flush();
  }
}
