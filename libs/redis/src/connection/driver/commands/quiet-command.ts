import type { Redis } from 'ioredis';
import { Command } from '../ioredis.cjs';

/**
 * A command that the library sends by itself, again and again. No event tells of it: in the metrics of an
 * application it would hide the commands of the application.
 *
 * @internal
 */
export class QuietCommand extends Command {}

/**
 * Sends a command over the connection to one server: over no other one, whatever the server answers.
 *
 * @throws the driver's error
 * @internal
 */
export function sendQuietly(redis: Redis, name: string, args: string[]): Promise<unknown> {
  const command = new QuietCommand(name, args, { replyEncoding: 'utf8' });
  void redis.sendCommand(command);
  return command.promise;
}
