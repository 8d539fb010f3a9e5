import type { Command } from 'ioredis';
import type { RedisClient, ResolvedRedisOptions } from '../options/options.js';
import { DeadlineSweeper } from '../../time/deadline-sweeper.js';
import { hideArguments, recordFailure } from '../translation/command-failures.js';
import { blockingTimeMs } from './blocking-commands.js';
import {
  isSettled,
  latestSupervisionOf,
  rejectAsLate,
  setSupervision,
  supervisionOf,
  type Supervision,
} from './supervised-command.js';
import { rejectedCommand } from './wrapped-command.js';

/**
 * Gives every command of a client its deadline, counted from the call, and every error the name of
 * the command it rejected.
 *
 * ioredis's own `commandTimeout` is not used: it ends blocking commands too, and in a cluster it only
 * starts once a node has been found. One override of `sendCommand` on the instance serves plain
 * commands, pipelines, MULTI and scripts, of standalone clients and clusters alike.
 *
 * @internal
 */
export function superviseCommands(client: RedisClient, options: ResolvedRedisOptions): void {
  const { name: connection, commandTimeoutMs, addresses } = options;
  const [address] = addresses;
  const deadlines = new DeadlineSweeper<Supervision>(isSettled, rejectAsLate);
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
      rejected: false,
    };
    if (pipeline) companions.push(supervision);
    setSupervision(command, supervision);
    command.reject = rejectSupervised;
    deadlines.watch(supervision, now);
  }

  function companionsIn(pipeline: object | undefined): Supervision[] {
    if (!pipeline) return ALONE;
    const companions = pipelines.get(pipeline) ?? [];
    if (companions.length === 0) pipelines.set(pipeline, companions);
    return companions;
  }

  /** One function for all commands: a closure for each would be felt. ioredis calls it as a method. */
  function rejectSupervised(this: Command | undefined, error: Error): void {
    const command = rejectedCommand(this);
    const supervision = command && latestSupervisionOf(command);
    if (!supervision) return;
    supervision.rejected = true;
    hideArguments(error);
    const key = firstKey(command);
    recordFailure(error, {
      connection,
      address,
      timeoutMs: supervision.timeoutMs,
      operation: command.name,
      ...(key !== undefined && { key }),
    });
    supervision.reject(error);
  }
}

/** Shared by all plain commands, and never written to. */
const ALONE: Supervision[] = [];

function firstKey(command: Command): string | undefined {
  try {
    const key: unknown = command.getKeys()[0];
    return typeof key === 'string' || Buffer.isBuffer(key) ? String(key) : undefined;
  } catch {
    return undefined; // a command whose arguments are too wrong to have keys
  }
}
