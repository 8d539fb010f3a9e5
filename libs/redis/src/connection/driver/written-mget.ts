import { Command } from 'ioredis';
import type { RedisClient } from '../options/options.js';

/**
 * MGET of keys that have been written down already, whose values are given as they are stored.
 *
 * `client.mget` flattens, copies and inspects its arguments several times, and writes each key down anew:
 * for 16 keys of 27 characters among 240 that took 3.7 us, and takes 0.3 us (Node 20.20.2).
 *
 * @param keys all on one server
 * @param written the same keys, each by {@link writeKey}
 * @internal
 */
export function readKeys(
  client: RedisClient,
  keys: readonly string[],
  written: string,
): Promise<(Buffer | null)[]> {
  const command = new WrittenCommand('mget', [], { replyEncoding: null });
  command.args = keys as string[];
  command.written = `*${keys.length + 1}\r\n$4\r\nmget\r\n${written}`;
  return client.sendCommand(command) as Promise<(Buffer | null)[]>;
}

/**
 * Whether a client sends a command as it is. These options make its methods change what they send, or
 * remember where they were called.
 */
export function sendsAsItIs({ options }: RedisClient): boolean {
  return !options.keyPrefix && !options.enableAutoPipelining && !options.showFriendlyErrorStack;
}

/** An argument of a command in the protocol of Redis (RESP): its length in bytes, and itself. */
export function writeKey(key: string): string {
  return `$${Buffer.byteLength(key)}\r\n${key}\r\n`;
}

class WrittenCommand extends Command {
  written = '';

  override toWritable(): string {
    return this.written;
  }
}
