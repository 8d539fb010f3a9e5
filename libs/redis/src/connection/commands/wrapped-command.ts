import type { Command } from 'ioredis';
import { hideArguments } from '../translation/command-failures.js';

/** The command whose wrapped `reject` is being called. */
let rejecting: Command | undefined;

/**
 * Tracing instrumentations put a `reject` of their own over the one they find when a command is sent, and
 * call that as a plain function, so that it does not know of which command it is. A closure for each
 * command would tell it, and be felt; so it is told by this one, for the commands that are traced.
 *
 * They also record the error before it comes to us: its arguments are hidden first.
 *
 * @internal
 */
export function tellWrappedReject(command: Command): void {
  const wrapped = command.reject;
  command.reject = (error: Error) => {
    const outer = rejecting;
    rejecting = command;
    try {
      hideArguments(error);
      wrapped.call(command, error);
    } finally {
      rejecting = outer;
    }
  };
}

/** @param self what `this` is in the `reject` of a command: the command, unless it was wrapped */
export function rejectedCommand(self: Command | undefined): Command | undefined {
  return self ?? rejecting;
}
