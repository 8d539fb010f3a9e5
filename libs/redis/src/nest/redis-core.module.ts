import { Module, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { ClientRegistry } from '../connection/client.registry.js';
import { Telemetry } from '../telemetry/telemetry.js';
import { CacheRegistry } from './cache/cache.registry.js';
import { logTelemetry } from './telemetry.logger.js';

/**
 * What the connections of one application share: Nest makes a static module once per application.
 * Closes them in `onApplicationShutdown`, after the HTTP server has finished its last requests.
 */
@Module({
  providers: [
    {
      provide: Telemetry,
      useFactory: () => {
        const telemetry = new Telemetry();
        logTelemetry(telemetry);
        return telemetry;
      },
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
  exports: [ClientRegistry, CacheRegistry, Telemetry],
})
export class RedisCoreModule implements OnModuleInit, OnApplicationShutdown {
  readonly #registry: ClientRegistry;

  constructor(registry: ClientRegistry) {
    this.#registry = registry;
  }

  onModuleInit(): void {
    this.#registry.connectInBackground();
  }

  async onApplicationShutdown(): Promise<void> {
    await this.#registry.closeAll();
  }
}
