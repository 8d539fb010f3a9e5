import type { Command } from 'ioredis';
import type { RedisClient, ResolvedRedisOptions } from '../options/options.js';
import { DeadlineSweeper } from '../../time/deadline-sweeper.js';
import { isError } from '../../errors/is-error.js';
import type { Telemetry } from '../../telemetry/telemetry.js';
import { classifyError } from '../translation/classify-error.js';
import { hideArguments, recordFailure } from '../translation/command-failures.js';
import { blockingTimeMs } from './blocking-commands.js';
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
  client: RedisClient,
  options: ResolvedRedisOptions,
  telemetry: Telemetry,
): void {
  const { name: connection, commandTimeoutMs, addresses } = options;
  const [address] = addresses;
  const deadlines = new DeadlineSweeper<Supervision>(isSettled, rejectAsLate);
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
      deadline: now + timeoutMs,
      reject: command.reject,
      resolve: command.resolve,
      report: undefined,
      rejected: false,
    };
    if (pipeline) companions.push(supervision);
    setSupervision(command, supervision);
    command.reject = rejectSupervised;
    if (telemetry.hears('command')) {
      supervision.report = new CommandReport(connection, command, blockingMs > 0);
      command.resolve = resolveReported;
    }
    deadlines.watch(supervision, now);
  }

  function companionsIn(pipeline: object | undefined): Supervision[] {
    if (!pipeline) return ALONE;
    const companions = pipelines.get(pipeline) ?? [];
    if (companions.length === 0) pipelines.set(pipeline, companions);
    return companions;
  }

  /** One function for all commands: a closure for each would be felt. ioredis calls it as a method. */
  function rejectSupervised(this: Command, error: Error): void {
    const supervision = latestSupervisionOf(this);
    if (!supervision) return;
    supervision.rejected = true;
    hideArguments(error);
    const key = firstKey(this);
    recordFailure(error, {
      connection,
      address,
      timeoutMs: supervision.timeoutMs,
      operation: this.name,
      ...(key !== undefined && { key }),
    });
    supervision.reject(error);
    announceEnd(supervision, error);
  }

  function resolveReported(this: Command, reply: unknown): void {
    const supervision = latestSupervisionOf(this);
    if (!supervision) return;
    supervision.resolve(reply);
    announceEnd(supervision, failureInside(this, reply));
  }

  /** The first end counts: a reply may still come for what was too late. */
  function announceEnd(supervision: Supervision, error: Error | undefined): void {
    const { report, command, deadline, timeoutMs } = supervision;
    if (!report) return;
    supervision.report = undefined;
    if (error && (isAskedAgain(error) || isIntroduction(command))) return;
    if (!error) names.learn(command.name);
    report.command = names.of(command.name);
    report.durationMs = performance.now() - (deadline - timeoutMs);
    report.failure = error && { error, kind: classifyError(error, true)?.kind ?? 'command' };
    telemetry.announce(report);
  }
}

/** EXEC succeeds whatever its commands did: each has answered in its place. */
function failureInside(command: Command, reply: unknown): Error | undefined {
  if (command.name !== 'exec' || !Array.isArray(reply)) return undefined;
  return reply.find(isError);
}

/** Another node has it, or the server has to be told the script: the driver or the library goes on. */
function isAskedAgain({ message }: Error): boolean {
  return /^(MOVED|ASK|NOSCRIPT) /.test(message);
}

/** ioredis tells each server its name, and does not mind that one older than Redis 7.2 does not understand. */
function isIntroduction({ name, args }: Command): boolean {
  return name === 'client' && String(args[0]).toLowerCase() === 'setinfo';
}

/** Shared by all plain commands, and never written to. */
const ALONE: Supervision[] = [];
