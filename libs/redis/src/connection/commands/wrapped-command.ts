import type { Command } from 'ioredis';
import { hideArguments } from '../translation/command-failures.js';

/** The command whose wrapped `resolve` or `reject` is being called. */
let settling: Command | undefined;

/**
 * Tracing instrumentations put a `resolve` and a `reject` of their own over those they find when a command
 * is sent, and call these as plain functions, so that they do not know of which command they are. A closure
 * for each command would tell them, and be felt; so they are told by these, for the commands that are
 * traced.
 *
 * They also record the error before it comes to us: its arguments are hidden first.
 *
 * @internal
 */
export function tellWrapped(command: Command): void {
  const { resolve, reject } = command;
  command.resolve = (reply: unknown) => {
    within(command, () => {
      resolve.call(command, reply);
    });
  };
  command.reject = (error: Error) => {
    within(command, () => {
      hideArguments(error);
      reject.call(command, error);
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
