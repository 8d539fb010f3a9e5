import type { Command } from 'ioredis';
import type { RedisClient } from '../../../src/connection/options/options.js';

export interface CommandRecord {
  readonly sent: Command[];
  names(): string[];
  /** How many commands were waiting for their answers at the same time. */
  mostAtOnce: number;
  /** How often something was sent while nothing waited for an answer. */
  roundTrips: number;
}

/** Records the commands of a client from now on; a command that ioredis sends again counts once. */
export function recordCommands(client: RedisClient): CommandRecord {
  const sent: Command[] = [];
  const seen: CommandRecord = {
    sent,
    mostAtOnce: 0,
    roundTrips: 0,
    names: () => sent.map(({ name }) => name),
  };
  const known = new Set<Command>();
  const send = client.sendCommand.bind(client);
  let unanswered = 0;
  const answered = () => unanswered--;
  client.sendCommand = (command: Command, ...rest: never[]) => {
    if (!known.has(command)) {
      known.add(command);
      sent.push(command);
      if (unanswered === 0) seen.roundTrips++;
      seen.mostAtOnce = Math.max(seen.mostAtOnce, ++unanswered);
      command.promise.then(answered, answered);
    }
    return send(command, ...rest);
  };
  return seen;
}
