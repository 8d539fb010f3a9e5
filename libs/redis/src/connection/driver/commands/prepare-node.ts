import type { Command, Redis } from 'ioredis';
import { isRepeatable } from './repeatable-commands.js';
import { latestSupervisionOf, rejectAsLate, supervisionOf } from './supervised-command.js';
import { bindIfInstrumented, tellWrapped } from './wrapped-command.js';

/**
 * Makes the connection to one server write what is sent in one tick with one system call, and never
 * send what was rejected while it waited.
 *
 * ioredis's own auto-pipelining is not used: it runs one pipeline at a time, so that a command waits
 * unsent, and uncounted by any deadline, for the replies of those before it; QUIT overtakes it. A
 * corked socket does the same work with neither, and faster (benchmarks/client.bench.mjs).
 *
 * @internal
 */
export function prepareNode(redis: Redis): void {
  const send = redis.sendCommand.bind(redis);
  const isAbandoned = abandonedCommands();
  let corked: Redis['stream'] | undefined;
  let watched: Redis['stream'] | undefined;
  const uncork = () => {
    corked?.uncork();
    corked = undefined;
  };

  redis.sendCommand = (command: Command, pipeline?: never) => {
    // A cluster client says ASKING before what it was redirected with, and does not look how that went:
    // over a connection that breaks it would be an unhandled rejection, which ends the process.
    if (command.name === 'asking') command.promise.catch(() => undefined);
    if (isAbandoned(command, pipeline)) return command.promise;
    const stream = redis.stream as Redis['stream'] | undefined; // there is none before it connects
    if (stream && stream !== watched) {
      watched = stream;
      stream.prependOnceListener('close', () => {
        if (redis.status === 'ready') rejectInterrupted(redis);
      });
    }
    if (stream && stream !== corked) {
      if (!corked) process.nextTick(uncork);
      corked?.uncork();
      stream.cork();
      corked = stream;
    }
    const isBound = bindIfInstrumented(command);
    const { reject } = command;
    const sent = send(command, pipeline);
    if (command.reject !== reject) tellWrapped(command, isBound);
    return sent;
  };
}

/**
 * Rejects what was sent over a connection that broke and may have been executed: ioredis would send
 * it again over the next one, or to another node of the cluster, and a counter would count twice. Runs
 * before ioredis's own listener. What only reads is sent again, as always.
 */
function rejectInterrupted(redis: Redis): void {
  const { commandQueue } = redis as unknown as {
    commandQueue: { toArray(): { command: Command }[] };
  };
  for (const { command } of commandQueue.toArray()) {
    const supervision = latestSupervisionOf(command);
    if (!supervision || supervision.rejected) continue;
    const together = [supervision, ...supervision.companions];
    if (together.every((one) => isRepeatable(one.command.name))) continue;
    command.reject(new Error('The connection broke before the reply came'));
  }
}

/**
 * Judges whether a command was rejected before it could be sent.
 *
 * A pipeline, and a transaction is one, goes together or not at all: ioredis counts its commands
 * before it writes any, so that with one missing the replies would reach the wrong callers. Its first
 * command decides for all of them, each time it is sent.
 */
function abandonedCommands(): (command: Command, pipeline: object | undefined) => boolean {
  const verdicts = new WeakMap<object, boolean>();
  return (command, pipeline) => {
    const supervision = supervisionOf(command, pipeline);
    if (!pipeline) return supervision?.rejected === true;
    if (command.pipelineIndex === 0) {
      const companions = supervision?.companions ?? [];
      const abandoned = companions.some(({ rejected }) => rejected);
      if (abandoned) companions.filter(({ rejected }) => !rejected).forEach(rejectAsLate);
      verdicts.set(pipeline, abandoned);
    }
    return verdicts.get(pipeline) === true;
  };
}
