import { Injectable, Logger } from '@nestjs/common';

/**
 * Terminus calls each failed check an error, and probes come every few seconds from everywhere. What failed
 * was an error when it did; that it still has not come back is worth a warning.
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
