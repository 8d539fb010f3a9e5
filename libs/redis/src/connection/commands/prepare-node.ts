import type { Command, Redis } from 'ioredis';
import { supervisionOf } from './supervised-command.js';

/** What ioredis passes beside the commands of a pipeline: where it collects their bytes. */
interface PipelineBuffer {
  write(data: string): unknown;
}

/**
 * Makes the connection to one server write what is sent in one tick with one system call, and never
 * send a command that was rejected while it waited.
 *
 * ioredis's own auto-pipelining is not used: it runs one pipeline at a time, so that a command waits
 * unsent, and uncounted by any deadline, for the replies of those before it; QUIT overtakes it. A
 * corked socket does the same work with neither, and faster (benchmarks/client.bench.mjs).
 *
 * @internal
 */
export function prepareNode(redis: Redis): void {
  const send = redis.sendCommand.bind(redis);
  const isOutdated = outdatedCommands();
  let corked: Redis['stream'] | undefined;
  const uncork = () => {
    corked?.uncork();
    corked = undefined;
  };

  redis.sendCommand = (command: Command, buffer?: never) => {
    if (isOutdated(command, buffer)) {
      // A pipeline counts its commands before it writes: one that is left out has to be counted too.
      (buffer as PipelineBuffer | undefined)?.write('');
      return command.promise;
    }
    const stream = redis.stream as Redis['stream'] | undefined; // there is none before it connects
    if (stream && stream !== corked) {
      if (!corked) process.nextTick(uncork);
      corked?.uncork();
      stream.cork();
      corked = stream;
    }
    return send(command, buffer);
  };
}

/**
 * Judges whether a command was rejected before it could be sent. A transaction goes together or not
 * at all: its MULTI decides for everything up to its EXEC.
 */
function outdatedCommands(): (command: Command, buffer: PipelineBuffer | undefined) => boolean {
  const abandoned = new WeakSet<PipelineBuffer>();
  return (command, buffer) => {
    const rejected = supervisionOf(command)?.rejected === true;
    if (!buffer) return rejected;
    if (command.name === 'multi') {
      if (rejected) abandoned.add(buffer);
      return rejected;
    }
    const inTransaction = command.inTransaction || command.name === 'exec';
    return inTransaction ? abandoned.has(buffer) : rejected;
  };
}
