import { Injectable, Logger } from '@nestjs/common';

/**
 * Logs failed checks as warnings. Terminus logs each of them as an error, and probes come every few seconds.
 * The failure itself was logged as an error when it happened.
 */
@Injectable()
export class HealthLogger extends Logger {
  constructor() {
    super('Health');
  }

  override error(message: unknown): void {
    this.warn(message);
  }
}
