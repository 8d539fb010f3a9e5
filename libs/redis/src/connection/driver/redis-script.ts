import { createHash } from 'node:crypto';
import type { Command } from 'ioredis';
import { isError } from '../../errors/is-error.js';
import type { RedisClient } from '../options/options.js';
import { callWritten, sendsAsItIs } from './written-command.js';

/** The hashes of the library's scripts. */
const ownScripts = new Set<unknown>();

/** Whether a command runs a script of the library, which sends its source where the server does not know it. */
export function isOwnScript({ name, args }: Command): boolean {
  return name === 'evalsha' && ownScripts.has(args[0]);
}

/**
 * A Lua script, which Redis runs as one command that nothing interrupts
 * (https://redis.io/docs/latest/develop/programmability/eval-intro/).
 *
 * @internal
 */
export class RedisScript {
  readonly source: string;
  readonly #sha: string;

  constructor(source: string) {
    this.source = source;
    this.#sha = createHash('sha1').update(source).digest('hex');
    ownScripts.add(this.#sha);
  }

  /**
   * One round trip; two the first time, and after SCRIPT FLUSH, a restart or a failover, because the
   * server has to be told the source.
   *
   * @param keys every key it touches; in a cluster all of one hash slot
   * @throws the driver's error
   */
  async run(client: RedisClient, keys: readonly string[], args: readonly (string | Buffer)[]) {
    try {
      return await this.#call(client, keys, args);
    } catch (error) {
      if (!isError(error) || !error.message.startsWith('NOSCRIPT')) throw error;
      return client.eval(this.source, keys.length, ...keys, ...args);
    }
  }

  #call(
    client: RedisClient,
    keys: readonly string[],
    args: readonly (string | Buffer)[],
  ): Promise<unknown> {
    if (!sendsAsItIs(client) || !args.every(isText)) {
      return client.evalsha(this.#sha, keys.length, ...keys, ...args);
    }
    return callWritten(client, 'evalsha', [this.#sha, String(keys.length), ...keys, ...args]);
  }
}

function isText(arg: unknown): arg is string {
  return typeof arg === 'string';
}
