import type { Command } from 'ioredis';
import { isError } from '../../../errors/is-error.js';
import type { Telemetry } from '../../../telemetry/telemetry.js';
import { DeadlineSweeper } from '../../../time/deadline-sweeper.js';
import type { ResolvedRedisOptions } from '../../options/options.js';
import type { DrivenClient } from '../driven-client.js';
import { classifyError } from '../failures/classify-error.js';
import { recordFailure } from '../failures/command-failures.js';
import { DRIVER_SAYS, isDefinedCommand } from '../internals.js';
import { isOwnScript } from '../redis-script.js';
import { blockingTimeMs, CommandNames } from './command-facts.js';
import { CommandReport, firstKey } from './command-report.js';
import { QuietCommand } from './quiet-command.js';
import type { Stage } from './stages.js';

/**
 * Makes the stage that gives every command of a client its deadline, counted from the call, records with
 * every error which command it rejected, and announces how each command ends.
 *
 * ioredis's own `commandTimeout` is not used: it ends blocking commands too, and in a cluster it only
 * starts once a node has been found.
 *
 * @internal
 */
export function superviseCommands(
  driven: DrivenClient,
  options: ResolvedRedisOptions,
  telemetry: Telemetry,
): Stage {
  const { client, failures } = driven;
  const { name: connection, commandTimeoutMs, addresses } = options;
  const [address] = addresses;
  const deadlines = new DeadlineSweeper<Supervision>(isSettled, (supervision) => {
    const late = rejectAsLate(supervision);
    // A wrapper that is none of ours may pass it on later, or never.
    if (!supervision.rejected) rejectSupervised.call(supervision.command, late);
  });
  const names = new CommandNames(client.getBuiltinCommands());
  const pipelines = new WeakMap<object, Supervision[]>();

  return (next) => (command, pipeline, node) => {
    // ioredis sends again what waited for a connection, was not answered before it broke, or was
    // redirected.
    if (!supervisionOf(command, pipeline)) begin(command, pipeline);
    return next(command, pipeline, node);
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
    if (telemetry.hears('command') && !isInternal(command)) {
      supervision.report = new CommandReport(connection, command, blockingMs > 0);
      command.resolve = resolveReported;
    }
    deadlines.watch(supervision, now);
  }

  /**
   * Whether ioredis or the library sends it to set a connection up, to watch it or to close it. Such a
   * command has no caller, and its failure is an event of the connection.
   */
  function isInternal(command: Command): boolean {
    if (command instanceof QuietCommand) return true;
    return client.status === 'connect' ? SETUP_COMMANDS.has(command.name) : driven.isClosing;
  }

  function companionsIn(pipeline: object | undefined): Supervision[] {
    if (!pipeline) return ALONE;
    const companions = pipelines.get(pipeline) ?? [];
    if (companions.length === 0) pipelines.set(pipeline, companions);
    return companions;
  }

  /**
   * One function for all commands, because a closure for each costs throughput. ioredis calls it as a
   * method; an instrumentation calls it as a function, which does nothing (see `instrumentation.ts`).
   */
  function rejectSupervised(this: Command | undefined, error: Error): void {
    const supervision = this && latestSupervisionOf(this);
    if (!supervision) return;
    const { command } = supervision;
    supervision.rejected = true;
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
    const supervision = this && latestSupervisionOf(this);
    if (!supervision) return;
    supervision.resolve(reply);
    announceEnd(supervision, failureInside(supervision.command, reply));
  }

  /** Announces the first end: a reply may still come for a command that was too late. */
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

/** Whether the server does not know the script, and ioredis or the library sends it the source next. */
function isAskedAgain(command: Command, { message }: Error): boolean {
  return message.startsWith('NOSCRIPT') && (isOwnScript(command) || isDefinedCommand(command));
}

/** Shared by all plain commands, and never written to. */
const ALONE: Supervision[] = [];

/** The record of a command that was sent and has not ended. */
export interface Supervision {
  readonly command: Command;
  /** Identifies the attempt: ioredis gives a command a new promise when it starts over. */
  readonly promise: Promise<unknown>;
  /** For a command of a pipeline: where ioredis collects its bytes, a new object for each attempt. */
  readonly pipeline: object | undefined;
  /** Everything sent so far in the same pipeline; a plain command is alone. */
  readonly companions: readonly Supervision[];
  readonly timeoutMs: number;
  /** When it was sent, on the clock of `performance.now()`. */
  readonly start: number;
  readonly deadline: number;
  /** ioredis's own way to reject it. */
  readonly reject: (error: Error) => void;
  /** ioredis's own way to resolve it. */
  readonly resolve: (reply: unknown) => void;
  /** Present if a listener hears of commands, until this one has ended. */
  report: CommandReport | undefined;
  rejected: boolean;
}

/** Kept on the command itself: a WeakMap would cost more than all the rest of the supervision. */
const SUPERVISION = Symbol('nestjs-redis-data:supervision');
type Carrier = Command & { [SUPERVISION]?: Supervision };

function setSupervision(command: Carrier, supervision: Supervision): void {
  command[SUPERVISION] = supervision;
}

/** The supervision of the latest attempt. */
export function latestSupervisionOf(command: Carrier): Supervision | undefined {
  return command[SUPERVISION];
}

/**
 * The supervision of the attempt that is under way; `undefined` before it has begun. ioredis renews
 * the promises of a pipeline before it knows whether it will try again, so they say nothing there.
 */
export function supervisionOf(
  command: Carrier,
  pipeline: object | undefined,
): Supervision | undefined {
  const supervision = latestSupervisionOf(command);
  if (!supervision) return undefined;
  const isThisAttempt = supervision.pipeline
    ? supervision.pipeline === pipeline
    : supervision.promise === command.promise;
  return isThisAttempt ? supervision : undefined;
}

/** Whether the caller has a reply or an error. */
export function isSettled({ rejected, command }: Supervision): boolean {
  return rejected || command.isResolved;
}

/** Rejects a command with the words that ioredis has for its own `commandTimeout`. @returns the error */
export function rejectAsLate({ command }: Supervision): Error {
  const late = new Error(DRIVER_SAYS.commandLate);
  command.reject(late);
  return late;
}
