import { Logger } from '@nestjs/common';
import type { RedisEvent, Telemetry } from '../telemetry/telemetry.js';

/**
 * Writes what the library announces to Nest's logger, as objects: with nestjs-pino they become JSON.
 */
export function logTelemetry(telemetry: Telemetry, logger = new Logger('Redis')): void {
  telemetry.subscribe((event) => {
    log(event, logger);
  });
}

function log(event: RedisEvent, logger: Logger): void {
  const { connection, endpoint } = event;
  switch (event.type) {
    case 'connection.ready': {
      const msg = event.restored ? 'Redis connection restored' : 'Redis connection ready';
      logger.log({ msg, connection, endpoint });
      return;
    }
    case 'connection.down': {
      const msg = 'Redis connection down; reconnecting in the background';
      const reason = event.error && { error: event.error.message };
      logger.warn({ msg, connection, endpoint, ...reason });
      return;
    }
  }
}
