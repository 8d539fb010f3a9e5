import type { CommandEvent } from '../telemetry/command.events.js';
import type { RedisEventHandlers } from '../telemetry/telemetry.js';
import { Counter } from './series.js';
import { DEFINITIONS } from './definitions.js';
import type { ExposedMetric } from './exposed-metric.js';
import { Histogram } from './histogram.js';

/** How long commands take, and how they fail. */
export class CommandMetrics {
  readonly #durations = new Histogram(DEFINITIONS.commandDuration);
  readonly #errors = new Counter(DEFINITIONS.commandErrors);

  readonly exposed: readonly ExposedMetric[] = [this.#durations.exposed, this.#errors.exposed];

  readonly handlers: RedisEventHandlers = {
    command: (event) => {
      this.#count(event);
    },
  };

  /** A command that asks Redis to wait takes as long as nobody sends what it waits for. */
  #count({ connection, command, durationMs, isBlocking, failure }: CommandEvent): void {
    const outcome = failure ? 'error' : 'success';
    if (!isBlocking) this.#durations.observe(durationMs / 1_000, connection, command, outcome);
    if (failure) this.#errors.add(1, connection, command, failure.kind.replaceAll('-', '_'));
  }
}
