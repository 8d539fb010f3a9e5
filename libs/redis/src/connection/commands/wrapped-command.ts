import type { Command } from 'ioredis';
import { hideArguments } from '../translation/command-failures.js';

/** Whether an instrumentation has been seen in this process. It cannot be asked beforehand. */
let isInstrumented = false;

/** The first commands that were wrapped, by what they are about to end with. */
const unbound = new Map<unknown, Command>();

/**
 * Tracing instrumentations put a `resolve` and a `reject` of their own over those they find when a command
 * is sent, and call these as plain functions, now or later, so that they do not know of which command they
 * are. A closure for each command would tell them, and be felt; so they are bound once it is known that
 * there is an instrumentation.
 *
 * @returns whether they are
 * @internal
 */
export function bindIfInstrumented(command: Command): boolean {
  if (!isInstrumented) return false;
  command.resolve = command.resolve.bind(command);
  command.reject = command.reject.bind(command);
  return true;
}

/**
 * Notices an instrumentation, which also records the error before it comes to us: its arguments are hidden
 * first. What the first of its commands ends with is remembered, because theirs are not bound.
 *
 * @internal
 */
export function tellWrapped(command: Command, isBound: boolean): void {
  isInstrumented = true;
  const { resolve, reject } = command;
  command.reject = (error: Error) => {
    hideArguments(error);
    if (!isBound) unbound.set(error, command);
    reject.call(command, error);
  };
  if (isBound) return;
  command.resolve = (reply: unknown) => {
    unbound.set(reply, command);
    resolve.call(command, reply);
    if (command.isResolved) unbound.delete(reply);
  };
}

/**
 * @param self what `this` is in the `resolve` or `reject` of a command: the command, unless wrapped
 * @param outcome what it was called with. Whichever command ends with the very same is the right one
 * @internal
 */
export function settledCommand(self: Command | undefined, outcome: unknown): Command | undefined {
  if (self) return self;
  const command = unbound.get(outcome);
  unbound.delete(outcome);
  return command;
}
