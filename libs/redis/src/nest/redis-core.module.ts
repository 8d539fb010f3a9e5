import { Module, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { ClientRegistry } from '../connection/client.registry.js';
import { Telemetry } from '../telemetry/telemetry.js';
import { CacheRegistry } from './cache/cache.registry.js';
import { TelemetryLogger } from './logging/telemetry.logger.js';

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
export class RedisCoreModule implements OnModuleInit, OnApplicationShutdown {
  readonly #registry: ClientRegistry;
  readonly #logger: TelemetryLogger;

  constructor(registry: ClientRegistry, logger: TelemetryLogger) {
    this.#registry = registry;
    this.#logger = logger;
  }

  onModuleInit(): void {
    this.#registry.connectInBackground();
  }

  async onApplicationShutdown(): Promise<void> {
    await this.#registry.closeAll();
    this.#logger.flush();
  }
}
