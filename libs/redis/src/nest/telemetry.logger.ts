import { Logger } from '@nestjs/common';
import type { Telemetry } from '../telemetry/telemetry.js';

/**
 * Writes what the library announces to Nest's logger, as objects: with nestjs-pino they become JSON.
 */
export function logTelemetry(telemetry: Telemetry, logger = new Logger('Redis')): void {
  telemetry.subscribe({
    'connection.ready': ({ connection, endpoint, restored }) => {
      const msg = restored ? 'Redis connection restored' : 'Redis connection ready';
      logger.log({ msg, connection, endpoint });
    },
    'connection.down': ({ connection, endpoint, error }) => {
      const msg = 'Redis connection down; reconnecting in the background';
      logger.warn({ msg, connection, endpoint, ...(error && { error: error.message }) });
    },
  });
}
