import { AsyncResource } from 'node:async_hooks';
import type { Command } from 'ioredis';
import type { CommandEvent, CommandFailed } from '../../../telemetry/command.events.js';

/**
 * Tells listeners about one command. Made when the command is sent, in the async context of its caller.
 * Keeps the arguments to itself.
 *
 * @internal
 */
export class CommandReport extends AsyncResource implements CommandEvent {
  readonly type = 'command';
  readonly connection: string;
  readonly isBlocking: boolean;
  command = '';
  durationMs = 0;
  failure: CommandFailed | undefined;
  readonly #command: Command;

  constructor(connection: string, command: Command, isBlocking: boolean) {
    super('RedisCommand', NO_DESTROY_HOOK);
    this.connection = connection;
    this.#command = command;
    this.isBlocking = isBlocking;
  }

  get key(): string | undefined {
    return firstKey(this.#command);
  }

  within(work: () => void): void {
    this.runInAsyncScope(work);
  }
}

/** Keeps Node from watching for the garbage collection of each command, which no listener asks about. */
const NO_DESTROY_HOOK = { requireManualDestroy: true };

/** The first key that a command touches, if it touches any. */
export function firstKey(command: Command): string | undefined {
  try {
    const key: unknown = command.getKeys()[0];
    return typeof key === 'string' || Buffer.isBuffer(key) ? String(key) : undefined;
  } catch {
    return undefined; // a command whose arguments are too wrong to have keys
  }
}
