import type { Redis } from 'ioredis';
import { unanswered } from '../internals.js';
import { isRepeatable } from './command-facts.js';
import type { Stage } from './stages.js';
import { latestSupervisionOf, rejectAsLate, supervisionOf } from './supervise-commands.js';

/**
 * Makes the stage that never sends what was rejected while it waited.
 *
 * A pipeline, and a transaction is one, goes together or not at all: ioredis counts its commands
 * before it writes any, so that with one missing the replies would reach the wrong callers. Its first
 * command decides for all of them, each time it is sent.
 *
 * @internal
 */
export function skipAbandoned(): Stage {
  const verdicts = new WeakMap<object, boolean>();
  return (next) => (command, pipeline, node) => {
    // A cluster client says ASKING before what it was redirected with, and does not look how that went:
    // over a connection that breaks it would be an unhandled rejection, which ends the process.
    if (command.name === 'asking') command.promise.catch(() => undefined);
    const supervision = supervisionOf(command, pipeline);
    let isAbandoned = supervision?.rejected === true;
    if (pipeline) {
      if (command.pipelineIndex === 0) {
        const companions = supervision?.companions ?? [];
        const isOneRejected = companions.some(({ rejected }) => rejected);
        if (isOneRejected) companions.filter(({ rejected }) => !rejected).forEach(rejectAsLate);
        verdicts.set(pipeline, isOneRejected);
      }
      isAbandoned = verdicts.get(pipeline) === true;
    }
    return isAbandoned ? command.promise : next(command, pipeline, node);
  };
}

/**
 * Makes the stage that writes what is sent in one tick with one system call: the first command of a tick
 * corks the socket, and the end of the tick uncorks it. It also rejects what a broken connection leaves in
 * doubt.
 *
 * ioredis's own auto-pipelining is not used: it runs one pipeline at a time, so that a command waits
 * unsent, and uncounted by any deadline, for the replies of those before it; QUIT overtakes it. A
 * corked socket does the same work with neither, and faster (docs/adr/0011).
 *
 * @internal
 */
export function writeTogether(redis: Redis): Stage {
  let corked: Redis['stream'] | undefined;
  let watched: Redis['stream'] | undefined;
  const uncork = () => {
    corked?.uncork();
    corked = undefined;
  };
  return (next) => (command, pipeline, node) => {
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
    return next(command, pipeline, node);
  };
}

/**
 * Rejects what was sent over a connection that broke and may have been executed: ioredis would send
 * it again over the next one, or to another node of the cluster, and a counter would count twice. Runs
 * before ioredis's own listener. Commands that only read are sent again.
 */
function rejectInterrupted(redis: Redis): void {
  for (const command of unanswered(redis)) {
    const supervision = latestSupervisionOf(command);
    if (!supervision || supervision.rejected) continue;
    const together = [supervision, ...supervision.companions];
    if (together.every((one) => isRepeatable(one.command.name))) continue;
    command.reject(new Error('The connection broke before the reply came'));
  }
}
