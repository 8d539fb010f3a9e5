import { Command, type Redis } from 'ioredis';
import type { Credentials, Renewal } from '../../options/credentials.js';

/** Where a transaction that is sent command by command begins and ends. */
const OPENS = 'multi';
const CLOSES: ReadonlySet<string> = new Set(['exec', 'discard', 'reset']);

/**
 * Sends AUTH over a connection to one server, as long as it lives, before its credentials expire.
 *
 * @internal
 */
export function keepAuthenticated(redis: Redis, credentials: Credentials): void {
  const send = redis.sendCommand.bind(redis);
  let isInTransaction = false;
  let isUnanswered = false;
  let end = (): void => undefined;

  redis.sendCommand = (command: Command, pipeline?: never) => {
    const name = command.name.toLowerCase();
    if (name === OPENS) isInTransaction = true;
    else if (CLOSES.has(name)) isInTransaction = false;
    return send(command, pipeline);
  };
  const renew: Renewal = async (username, password) => {
    // Its reply would stand among those of the transaction; a subscriber may not send it.
    if (isInTransaction || isUnanswered || redis.mode !== 'normal') return 'later';
    const command = new Command('auth', [username, password]);
    void send(command);
    isUnanswered = true;
    try {
      await command.promise;
      return 'renewed';
    } finally {
      isUnanswered = false;
    }
  };
  redis.on('ready', () => {
    end();
    end = credentials.renewBeforeExpiry(renew);
  });
  redis.on('close', () => {
    end();
    isInTransaction = false;
  });
}
