import type { Command } from 'ioredis';
import { hideArguments } from '../failures/command-failures.js';

/** Whether an instrumentation has been seen in this process. It cannot be asked beforehand. */
let isInstrumented = false;

/** The command, not bound, whose wrapped `resolve` or `reject` is being called. */
let settling: Command | undefined;

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
 * first. The commands by which it is noticed are not bound; while theirs are called, it is remembered whose
 * they are. (If it passes on later, those are ended by their deadline.)
 *
 * @internal
 */
export function tellWrapped(command: Command, isBound: boolean): void {
  isInstrumented = true;
  const { resolve, reject } = command;
  command.reject = (error: Error) => {
    hideArguments(error);
    within(command, () => {
      reject.call(command, error);
    });
  };
  if (isBound) return;
  command.resolve = (reply: unknown) => {
    within(command, () => {
      resolve.call(command, reply);
    });
  };
}

/** @param self what `this` is in the `resolve` or `reject` of a command: the command, unless wrapped */
export function settledCommand(self: Command | undefined): Command | undefined {
  return self ?? settling;
}

function within(command: Command, work: () => void): void {
  const outer = settling;
  settling = command;
  try {
    work();
  } finally {
    settling = outer;
  }
}
