import type { Command } from 'ioredis';
import { blockingTimeMs } from './blocking-commands.js';
import { CommandDeadlines, type SupervisedCommand } from './command-deadlines.js';
import { hideArguments, recordFailure } from './command-failures.js';
import type { RedisClient, ResolvedRedisOptions } from './options.js';

/** What ioredis passes beside the command: where a pipeline collects its bytes. */
type PipelineBuffer = { write(data: string): unknown } | undefined;

/** Kept on the command itself: a WeakMap would cost more than all the rest. */
const SUPERVISED = Symbol('nestjs-redis-data:supervised');
type Carrier = Command & { [SUPERVISED]?: SupervisedCommand };

/**
 * Gives every command of a client its deadline, and every error the name of the command it rejected.
 * A command that was rejected while it waited for a connection is never sent afterwards.
 *
 * ioredis's own `commandTimeout` is not used: it ends blocking commands too, in a cluster it only
 * starts once a node has been found, and it sends what it has given up as soon as Redis is back. One
 * override of `sendCommand` on the instance serves plain commands, pipelines, MULTI and scripts, of
 * standalone clients and clusters alike.
 *
 * @internal
 */
export function superviseCommands(client: RedisClient, options: ResolvedRedisOptions): void {
  const { name: connection, commandTimeoutMs, addresses } = options;
  const [address] = addresses;
  const deadlines = new CommandDeadlines();
  const send = client.sendCommand.bind(client);

  client.sendCommand = (command: Carrier, buffer?: never, node?: never) => {
    const known = command[SUPERVISED];
    // ioredis sends again after a reconnect or a redirect, with a new promise if it starts over.
    if (known?.promise === command.promise) {
      return known.rejected && !isOfTransaction(command)
        ? skip(command, buffer)
        : send(command, buffer, node);
    }
    const timeoutMs = commandTimeoutMs + blockingTimeMs(command.name, command.args);
    const now = performance.now();
    const supervised: SupervisedCommand = {
      command,
      promise: command.promise,
      timeoutMs,
      deadline: now + timeoutMs,
      reject: command.reject,
      rejected: false,
    };
    command[SUPERVISED] = supervised;
    command.reject = rejectSupervised;
    deadlines.watch(supervised, now);
    return send(command, buffer, node);
  };

  function rejectSupervised(this: Carrier, error: Error): void {
    const supervised = this[SUPERVISED];
    if (!supervised) return;
    const { command, reject, timeoutMs } = supervised;
    supervised.rejected = true;
    hideArguments(error);
    const key = firstKey(command);
    recordFailure(error, {
      connection,
      address,
      timeoutMs,
      operation: command.name,
      ...(key !== undefined && { key }),
    });
    reject(error);
  }
}

/** MULTI, EXEC and what stands between them go together or not at all; ioredis sees to that. */
function isOfTransaction({ name, inTransaction }: Command): boolean {
  return inTransaction || name === 'multi' || name === 'exec';
}

/** A pipeline counts its commands before it writes: one that is left out still has to be counted. */
function skip(command: Command, buffer: PipelineBuffer): Promise<unknown> {
  buffer?.write('');
  return command.promise;
}

function firstKey(command: Command): string | undefined {
  try {
    const key: unknown = command.getKeys()[0];
    return typeof key === 'string' || Buffer.isBuffer(key) ? String(key) : undefined;
  } catch {
    return undefined; // a command whose arguments are too wrong to have keys
  }
}
