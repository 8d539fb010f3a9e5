import type { Command } from 'ioredis';
import { hideArguments } from '../failures/command-failures.js';
import type { Stage } from './stages.js';
import { isSettled, latestSupervisionOf } from './supervise-commands.js';

/**
 * Lets tracing instrumentations see each command, and settles the command itself. An instrumentation wraps
 * `resolve` and `reject` while ioredis sends a command, and calls what it found there as plain functions.
 * The functions of supervised commands are shared by all commands, and do nothing without their `this`.
 * This stage therefore calls them once more, as methods. A command that was not wrapped costs one
 * comparison.
 *
 * The arguments of a command are hidden from the error before the instrumentation records it.
 *
 * @internal
 */
export const settleInstrumented: Stage = (next) => (command, pipeline, node) => {
  const { resolve, reject } = command;
  const sent = next(command, pipeline, node);
  if (command.reject !== reject) settleBoth(command, { resolve, reject });
  return sent;
};

function settleBoth(command: Command, own: Pick<Command, 'resolve' | 'reject'>): void {
  const { resolve, reject } = command;
  command.reject = (error: Error) => {
    hideArguments(error);
    reject.call(command, error);
    if (isUnsettled(command)) own.reject.call(command, error);
  };
  command.resolve = (reply: unknown) => {
    resolve.call(command, reply);
    if (isUnsettled(command)) own.resolve.call(command, reply);
  };
}

function isUnsettled(command: Command): boolean {
  const supervision = latestSupervisionOf(command);
  return supervision !== undefined && !isSettled(supervision);
}
