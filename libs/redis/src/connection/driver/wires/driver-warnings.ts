import type { Command, Redis } from 'ioredis';
import type { ConnectionWarning } from '../../../telemetry/connection.events.js';
import { sendThrough, type Stage } from '../commands/stages.js';
import { aroundReadyCheck } from '../internals.js';

type Announce = (about: ConnectionWarning['about']) => void;

/** The failures that ioredis goes on after, once it has written to the console, and the reply that lets it. */
const TOLERATED: readonly {
  readonly command: string;
  readonly words: string;
  readonly about: ConnectionWarning['about'];
  readonly reply: string;
}[] = [
  { command: 'info', words: 'NOPERM', about: 'info-forbidden', reply: '' },
  ...['auth', 'hello'].flatMap((command) => [
    { command, words: 'no password is set', about: 'password-not-needed', reply: 'OK' } as const,
    {
      command,
      words: 'without any password configured for the default user',
      about: 'password-not-needed',
      reply: 'OK',
    } as const,
    {
      command,
      words: "wrong number of arguments for 'auth' command",
      about: 'users-not-known',
      reply: 'OK',
    } as const,
  ]),
];

/**
 * Keeps ioredis from writing to the console while it sets a connection up. To be called before the
 * connection is made.
 *
 * @param announce is called instead with what is not as it was configured
 * @internal
 */
export function divertWarnings(redis: Redis, announce: Announce): void {
  sendThrough(redis, [tolerateFailures(redis, announce)]);
}

/**
 * Makes the stage that answers a failed command of the set-up with the reply that lets ioredis go on.
 *
 * @internal
 */
export function tolerateFailures(redis: Redis, announce: Announce): Stage {
  let isCheck = false;
  aroundReadyCheck(redis, (check) => {
    isCheck = true; // only INFO of this call is ioredis's own
    try {
      check();
    } finally {
      isCheck = false;
    }
  });
  return (next) => (command, pipeline, node) => {
    if (redis.status === 'connect' && (command.name !== 'info' || isCheck))
      tolerate(command, announce);
    return next(command, pipeline, node);
  };
}

function tolerate(command: Command, announce: Announce): void {
  const ofCommand = TOLERATED.filter((each) => each.command === command.name);
  if (ofCommand.length === 0) return;
  const { reject, resolve } = command;
  command.reject = (error: Error) => {
    const tolerated = ofCommand.find(({ words }) => error.message.includes(words));
    if (!tolerated) {
      reject.call(command, error);
      return;
    }
    resolve.call(command, Buffer.from(tolerated.reply));
    announce(tolerated.about);
  };
}
