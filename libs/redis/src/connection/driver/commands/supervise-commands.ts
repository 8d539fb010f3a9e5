import type { Command } from 'ioredis';
import type { ResolvedRedisOptions } from '../../options/options.js';
import { DeadlineSweeper } from '../../../time/deadline-sweeper.js';
import { isError } from '../../../errors/is-error.js';
import type { Telemetry } from '../../../telemetry/telemetry.js';
import type { DrivenClient } from '../driven-client.js';
import { isOwnScript } from '../redis-script.js';
import { classifyError } from '../failures/classify-error.js';
import { hideArguments, recordFailure } from '../failures/command-failures.js';
import { blockingTimeMs } from './command-facts.js';
import { CommandNames } from './command-names.js';
import { CommandReport, firstKey } from './command-report.js';
import {
  isSettled,
  latestSupervisionOf,
  rejectAsLate,
  setSupervision,
  supervisionOf,
  type Supervision,
} from './supervised-command.js';
import { settledCommand } from './wrapped-command.js';

/**
 * Gives every command of a client its deadline, counted from the call, every error the name of the
 * command it rejected, and announces how each ends.
 *
 * ioredis's own `commandTimeout` is not used: it ends blocking commands too, and in a cluster it only
 * starts once a node has been found. One override of `sendCommand` on the instance serves plain
 * commands, pipelines, MULTI and scripts, of standalone clients and clusters alike.
 *
 * @internal
 */
export function superviseCommands(
  driven: DrivenClient,
  options: ResolvedRedisOptions,
  telemetry: Telemetry,
): void {
  const { client, failures } = driven;
  const { name: connection, commandTimeoutMs, addresses } = options;
  const [address] = addresses;
  const deadlines = new DeadlineSweeper<Supervision>(isSettled, (supervision) => {
    const late = rejectAsLate(supervision);
    // Whatever has wrapped the command may pass it on later, or never.
    if (!supervision.rejected) rejectSupervised.call(supervision.command, late);
  });
  const names = new CommandNames(client.getBuiltinCommands());
  const pipelines = new WeakMap<object, Supervision[]>();
  const send = client.sendCommand.bind(client);

  client.sendCommand = (command: Command, pipeline?: never, node?: never) => {
    // ioredis sends again what waited for a connection, was not answered before it broke, or was
    // redirected.
    if (!supervisionOf(command, pipeline)) begin(command, pipeline);
    return send(command, pipeline, node);
  };

  function begin(command: Command, pipeline: object | undefined): void {
    // Inside MULTI nothing blocks.
    const blockingMs = command.inTransaction ? 0 : blockingTimeMs(command.name, command.args);
    const timeoutMs = commandTimeoutMs + blockingMs;
    const now = performance.now();
    const companions = companionsIn(pipeline);
    const supervision: Supervision = {
      command,
      promise: command.promise,
      pipeline,
      companions,
      timeoutMs,
      start: now,
      deadline: now + timeoutMs,
      reject: command.reject,
      resolve: command.resolve,
      report: undefined,
      rejected: false,
    };
    if (pipeline) companions.push(supervision);
    setSupervision(command, supervision);
    command.reject = rejectSupervised;
    if (telemetry.hears('command') && !isNobodys(command)) {
      supervision.report = new CommandReport(connection, command, blockingMs > 0);
      command.resolve = resolveReported;
    }
    deadlines.watch(supervision, now);
  }

  /**
   * What is sent to set a connection up or to close it, by ioredis and by us: nobody asked for it, and
   * what of it matters is an event of the connection.
   */
  function isNobodys({ name }: Command): boolean {
    return client.status === 'connect' ? SETUP_COMMANDS.has(name) : driven.isClosing;
  }

  function companionsIn(pipeline: object | undefined): Supervision[] {
    if (!pipeline) return ALONE;
    const companions = pipelines.get(pipeline) ?? [];
    if (companions.length === 0) pipelines.set(pipeline, companions);
    return companions;
  }

  /** One function for all commands: a closure for each would be felt. ioredis calls it as a method. */
  function rejectSupervised(this: Command | undefined, error: Error): void {
    const command = settledCommand(this);
    const supervision = command && latestSupervisionOf(command);
    if (!supervision) return;
    supervision.rejected = true;
    hideArguments(error);
    const key = firstKey(command);
    recordFailure(error, {
      connection,
      address,
      timeoutMs: supervision.timeoutMs,
      operation: names.of(command.name),
      ...(key !== undefined && { key }),
      reason: failures.behind(error, key),
    });
    supervision.reject(error);
    announceEnd(supervision, error);
  }

  function resolveReported(this: Command | undefined, reply: unknown): void {
    const command = settledCommand(this);
    const supervision = command && latestSupervisionOf(command);
    if (!supervision) return;
    supervision.resolve(reply);
    announceEnd(supervision, failureInside(command, reply));
  }

  /** The first end counts: a reply may still come for what was too late. */
  function announceEnd(supervision: Supervision, error: Error | undefined): void {
    const { report, command, start } = supervision;
    if (!report) return;
    supervision.report = undefined;
    if (error && (isAskedAgain(command, error) || driven.isClosing)) return;
    if (!error) names.learn(command.name);
    report.command = names.of(command.name);
    report.durationMs = performance.now() - start;
    report.failure = error && { error, kind: classifyError(error, true)?.kind ?? 'command' };
    telemetry.announce(report);
  }
}

const SETUP_COMMANDS: ReadonlySet<string> = new Set([
  'auth',
  'client',
  'cluster',
  'hello',
  'info',
  'readonly',
  'select',
]);

/** EXEC succeeds whatever its commands did: each has answered in its place. */
function failureInside(command: Command, reply: unknown): Error | undefined {
  if (command.name !== 'exec' || !Array.isArray(reply)) return undefined;
  return reply.find(isError);
}

/** The server has to be told the script, and ioredis or the library tells it. */
function isAskedAgain(command: Command, { message }: Error): boolean {
  return message.startsWith('NOSCRIPT') && (isOwnScript(command) || isDefinedCommand(command));
}

/** Of `defineCommand`. */
function isDefinedCommand(command: Command & { isCustomCommand?: boolean }): boolean {
  return command.isCustomCommand === true;
}

/** Shared by all plain commands, and never written to. */
const ALONE: Supervision[] = [];
