import { Redis, type Command } from 'ioredis';

export interface SlowInstrumentation {
  /** Passes on what a command ends with when it likes to. */
  passOn: (act: () => void) => void;
  isActive: boolean;
  remove(): void;
}

/**
 * Wraps the commands of all clients that are made from now on, as tracing does, and calls what it found
 * on a command later, as a plain function.
 *
 * @param when whether it looks at a command before ioredis has sent it or after that
 */
export function instrumentSlowly(when: 'before' | 'after'): SlowInstrumentation {
  const prototype = Redis.prototype as { sendCommand: (...args: [Command]) => unknown };
  const original = prototype.sendCommand;
  const instrumentation: SlowInstrumentation = {
    passOn: setImmediate,
    isActive: false,
    remove: () => {
      prototype.sendCommand = original;
    },
  };
  const later =
    <T>(act: (outcome: T) => void) =>
    (outcome: T) => {
      instrumentation.passOn(() => {
        act(outcome);
      });
    };
  const wrap = (command: Command) => {
    const { resolve, reject } = command;
    command.resolve = later(resolve);
    command.reject = later(reject);
  };
  prototype.sendCommand = function (this: Redis, ...args) {
    const { isActive } = instrumentation;
    if (isActive && when === 'before') wrap(args[0]);
    const sent = original.apply(this, args);
    if (isActive && when === 'after') wrap(args[0]);
    return sent;
  };
  return instrumentation;
}
