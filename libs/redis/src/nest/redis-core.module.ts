import {
  Module,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
  type OnModuleInit,
} from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import { ClientRegistry } from '../connection/connections.js';
import { Telemetry } from '../telemetry/telemetry.js';
import { CacheRegistry } from './cache.registry.js';
import { TelemetryLogger } from './logging/telemetry.logger.js';
import { refuseRequestScope } from './request-scope.js';

/**
 * What the connections of one application share: Nest makes a static module once per application.
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
      provide: ClientRegistry,
      inject: [Telemetry],
      useFactory: (telemetry: Telemetry) => new ClientRegistry(telemetry),
    },
    {
      provide: CacheRegistry,
      inject: [ClientRegistry, Telemetry],
      useFactory: (clients: ClientRegistry, telemetry: Telemetry) =>
        new CacheRegistry(clients, telemetry),
    },
  ],
  exports: [ClientRegistry, CacheRegistry, Telemetry, TelemetryLogger],
})
export class RedisCoreModule
  implements OnModuleInit, OnApplicationBootstrap, OnApplicationShutdown
{
  readonly #registry: ClientRegistry;
  readonly #logger: TelemetryLogger;
  readonly #modules: ModulesContainer;

  constructor(registry: ClientRegistry, logger: TelemetryLogger, modules: ModulesContainer) {
    this.#registry = registry;
    this.#logger = logger;
    this.#modules = modules;
  }

  /** @throws RedisConfigurationException if a connection's options depend on a request */
  async onModuleInit(): Promise<void> {
    try {
      refuseRequestScope(this.#modules);
    } catch (error) {
      await this.#registry.closeAll(); // the boot has failed: Nest runs no shutdown hook
      throw error;
    }
    this.#registry.connectInBackground();
  }

  onApplicationBootstrap(): void {
    this.#registry.applicationIsUp();
  }

  async onApplicationShutdown(): Promise<void> {
    await this.#registry.closeAll();
    this.#logger.flush();
  }
}
