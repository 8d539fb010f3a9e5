import type { Command } from 'ioredis';
import { blockingTimeMs } from './blocking-commands.js';
import { hideArguments, recordFailure } from './command-failures.js';
import type { RedisClient, ResolvedRedisOptions } from './options.js';

/** What ioredis passes beside the command: where a pipeline collects its bytes. */
type PipelineBuffer = { write(data: string): unknown } | undefined;

/** What is known about a command that is on its way. */
interface Supervision {
  readonly promise: Promise<unknown>;
  rejected: boolean;
}

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
  const send = client.sendCommand.bind(client);
  const supervised = new WeakMap<Command, Supervision>();

  client.sendCommand = (command: Command, buffer?: never, node?: never) => {
    const known = supervised.get(command);
    // ioredis sends again after a reconnect or a redirect, with a new promise if it starts over.
    if (known?.promise === command.promise) {
      return known.rejected && !isOfTransaction(command)
        ? skip(command, buffer)
        : send(command, buffer, node);
    }
    const supervision = { promise: command.promise, rejected: false };
    supervised.set(command, supervision);

    const timeoutMs = commandTimeoutMs + blockingTimeMs(command.name, command.args);
    if (Number.isFinite(timeoutMs)) command.setTimeout(timeoutMs);

    const reject = command.reject.bind(command);
    command.reject = (error: Error) => {
      supervision.rejected = true;
      hideArguments(error);
      const key = firstKey(command);
      recordFailure(error, {
        connection,
        address: addresses[0],
        timeoutMs,
        operation: command.name,
        ...(key !== undefined && { key }),
      });
      reject(error);
    };
    return send(command, buffer, node);
  };
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
