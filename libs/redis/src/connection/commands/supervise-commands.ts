import type { Command } from 'ioredis';
import { blockingTimeMs } from './blocking-commands.js';
import { CommandDeadlines } from './command-deadlines.js';
import { hideArguments, recordFailure } from '../translation/command-failures.js';
import type { RedisClient, ResolvedRedisOptions } from '../options/options.js';
import { setSupervision, supervisionOf, type Supervision } from './supervised-command.js';

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
  const deadlines = new CommandDeadlines();
  const send = client.sendCommand.bind(client);

  client.sendCommand = (command: Command, buffer?: never, node?: never) => {
    // ioredis sends again what waited for a connection, was not answered before it broke, or was
    // redirected.
    if (supervisionOf(command)) return send(command, buffer, node);
    const timeoutMs = commandTimeoutMs + blockingTimeMs(command.name, command.args);
    const now = performance.now();
    const supervision: Supervision = {
      command,
      promise: command.promise,
      timeoutMs,
      deadline: now + timeoutMs,
      reject: command.reject,
      rejected: false,
    };
    setSupervision(command, supervision);
    command.reject = rejectSupervised;
    deadlines.watch(supervision, now);
    return send(command, buffer, node);
  };

  function rejectSupervised(this: Command, error: Error): void {
    const supervision = supervisionOf(this);
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
  }
}

function firstKey(command: Command): string | undefined {
  try {
    const key: unknown = command.getKeys()[0];
    return typeof key === 'string' || Buffer.isBuffer(key) ? String(key) : undefined;
  } catch {
    return undefined; // a command whose arguments are too wrong to have keys
  }
}
