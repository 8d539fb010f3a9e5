import { Logger } from '@nestjs/common';
import type { CommandEvent } from '../../telemetry/command.events.js';
import type { Telemetry } from '../../telemetry/telemetry.js';
import { wordsOfDriverError } from './failure-words.js';
import { FloodGate } from './flood-gate.js';
import { cacheHandlers, commandLine, connectionHandlers, successHandlers } from './lines.js';
import { LineLogger } from './log-line.js';
import { DEFAULT_LOG_POLICY, type LogPolicy, type PolicyOf } from './log-policy.js';

/**
 * Writes the library's events to Nest's logger, as lines that nestjs-pino turns into JSON and Nest's own
 * logger into text. A line about a command is written in the context of its caller, where nestjs-pino
 * finds the request. No line has a value, a password or the name of an ACL user; keys are written as the
 * connection's policy says.
 *
 * @internal
 */
export class TelemetryLogger {
  readonly #telemetry: Telemetry;
  readonly #logger: LineLogger;
  readonly #policies = new Map<string, LogPolicy>();
  readonly #floods = new FloodGate();
  #writesSuccesses = false;

  constructor(telemetry: Telemetry, logger = new Logger('Redis')) {
    this.#telemetry = telemetry;
    this.#logger = new LineLogger(logger);
    telemetry.subscribe({
      command: (event) => {
        this.#command(event);
      },
      ...connectionHandlers(this.#logger, this.#floods),
      ...cacheHandlers(this.#logger, this.#floods, this.policyOf),
    });
  }

  /** Sets the policy of a connection. */
  follow(connection: string, policy: LogPolicy): void {
    this.#policies.set(connection, policy);
    if (!policy.successes || this.#writesSuccesses) return;
    this.#writesSuccesses = true;
    this.#telemetry.subscribe(successHandlers(this.#logger, this.policyOf));
  }

  /** Writes the lines that are held back, before the application ends. */
  flush(): void {
    this.#floods.flush();
  }

  readonly policyOf: PolicyOf = (connection) =>
    this.#policies.get(connection) ?? DEFAULT_LOG_POLICY;

  #command(event: CommandEvent): void {
    const { failure, durationMs, isBlocking, connection, command } = event;
    if (failure) {
      this.#floods.pass(`${connection} ${command} ${failure.kind}`, (heldBack) => {
        this.#commandFailed(event, failure.error, heldBack);
      });
      return;
    }
    const policy = this.policyOf(connection);
    if (durationMs > policy.slowMs && !isBlocking) {
      this.#floods.pass(`${connection} ${command} slow`, (heldBack) => {
        const line = commandLine('A Redis command was slow', event, policy);
        event.within(() => {
          this.#logger.warn({ ...line, threshold_ms: policy.slowMs, ...heldBack });
        });
      });
    } else if (policy.successes) {
      event.within(() => {
        this.#logger.debug(commandLine('Redis command', event, policy));
      });
    }
  }

  #commandFailed(event: CommandEvent, error: Error, heldBack: object): void {
    const { connection, command: operation } = event;
    const line = commandLine('A Redis command failed', event, this.policyOf(connection));
    const words = wordsOfDriverError(error, { connection, operation, key: line.key });
    event.within(() => {
      this.#logger.error({ ...line, ...words, ...heldBack });
    });
  }
}
