import type { CommandEvent } from '../telemetry/command.events.js';
import type { RedisEventHandlers } from '../telemetry/telemetry.js';
import { DEFINITIONS } from './definitions.js';
import type { ExposedMetric } from './exposed-metric.js';
import { Counter, Histogram } from './series.js';

/** Measures how long commands take, and counts their failures by kind. */
export class CommandMetrics {
  readonly #durations = new Histogram(DEFINITIONS.commandDuration);
  readonly #errors = new Counter(DEFINITIONS.commandErrors);

  readonly exposed: readonly ExposedMetric[] = [this.#durations.exposed, this.#errors.exposed];

  readonly handlers: RedisEventHandlers = {
    command: (event) => {
      this.#count(event);
    },
  };

  /** Skips the duration of a blocking command: it shows how long Redis waited for data, not its speed. */
  #count({ connection, command, durationMs, isBlocking, failure }: CommandEvent): void {
    const outcome = failure ? 'error' : 'success';
    if (!isBlocking) this.#durations.observe(durationMs / 1_000, connection, command, outcome);
    if (failure) this.#errors.add(1, connection, command, failure.kind.replaceAll('-', '_'));
  }
}
