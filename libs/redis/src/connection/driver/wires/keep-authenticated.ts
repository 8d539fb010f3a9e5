import type { Redis } from 'ioredis';
import { Command } from '../ioredis.cjs';
import type { Credentials, Renewal } from '../../options/credentials.js';
import type { Stage } from '../commands/stages.js';

/** Where a transaction that is sent command by command begins and ends. */
const OPENS = 'multi';
const CLOSES: ReadonlySet<string> = new Set(['exec', 'discard', 'reset']);

/**
 * Makes the stage that sends AUTH over a connection to one server, as long as it lives, before its
 * credentials expire. The command is sent through the later stages only: it has no caller, so it needs no
 * deadline and no report.
 *
 * @internal
 */
export function keepAuthenticated(redis: Redis, credentials: Credentials): Stage {
  return (next) => {
    let isInTransaction = false;
    let isUnanswered = false;
    let end = (): void => undefined;

    const renew: Renewal = async (username, password) => {
      // Its reply would stand among those of the transaction; a subscriber may not send it.
      if (isInTransaction || isUnanswered || redis.mode !== 'normal') return 'later';
      const command = new Command('auth', [username, password]);
      void next(command);
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

    return (command, pipeline, node) => {
      const name = command.name.toLowerCase();
      if (name === OPENS) isInTransaction = true;
      else if (CLOSES.has(name)) isInTransaction = false;
      return next(command, pipeline, node);
    };
  };
}
