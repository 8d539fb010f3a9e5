import type { Command } from 'ioredis';
import type { RedisClient } from '../../options/options.js';

/**
 * Sends a command.
 *
 * @param pipeline where ioredis collects the bytes of a pipeline; a new object for each attempt
 * @param node the node of a cluster that the command is for, if the caller names one
 */
export type Send = (command: Command, pipeline?: object, node?: object) => unknown;

/** One thing that is done with every command on its way: makes a `Send` that does it, and calls the next. */
export type Stage = (next: Send) => Send;

/**
 * Makes a client, or the connection to one server, send its commands through stages. The first stage is
 * the outermost: it sees a command first, and its promise as the caller does. The last calls ioredis.
 *
 * This is the only place that replaces `sendCommand`, which all commands pass: plain ones, those of
 * pipelines, MULTI and scripts, and those that ioredis sends again.
 *
 * @returns a function that takes the stages off, unless another `sendCommand` was put over them
 * @internal
 */
export function sendThrough(client: RedisClient, stages: readonly Stage[]): () => void {
  const own = Reflect.get(client, 'sendCommand') as Send;
  const first = stages.reduceRight<Send>((next, stage) => stage(next), own.bind(client));
  client.sendCommand = first;
  return () => {
    if (client.sendCommand === first) client.sendCommand = own;
  };
}
