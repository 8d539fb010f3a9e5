import { describe, expect, it } from '@jest/globals';
import type { Command, Redis } from 'ioredis';
import { divertWarnings } from './driver-warnings.js';

/** A connection that is being set up, and what becomes of what is sent over it. */
function connecting() {
  const heard: string[] = [];
  let answer = new Error();
  const outcomes: unknown[] = [];
  const redis = {
    status: 'connect',
    sendCommand: (command: Command) => {
      command.reject(answer);
    },
    _readyCheck: () => {
      send('info');
    },
  };
  const client = redis as unknown as Redis;
  divertWarnings(client, (about) => heard.push(about));
  const send = (name: string) => {
    const settle = (outcome: unknown) => outcomes.push(outcome);
    const command = { name, resolve: settle, reject: settle } as unknown as Command;
    void client.sendCommand(command);
  };
  const fail = (message: string) => (answer = new Error(message));
  return { redis, send, fail, outcomes, heard, check: () => redis._readyCheck() };
}

describe('divertWarnings', () => {
  it.each([
    ['auth', "ERR wrong number of arguments for 'auth' command", 'users-not-known'],
    ['auth', 'ERR Client sent AUTH, but no password is set', 'password-not-needed'],
    [
      'hello',
      'ERR AUTH <password> called without any password configured for the default user.',
      'password-not-needed',
    ],
  ])('lets a connection go on after %s was answered with "%s"', (name, reply, about) => {
    const { send, fail, outcomes, heard } = connecting();
    fail(reply);
    send(name);
    expect(outcomes).toEqual([Buffer.from('OK')]);
    expect(heard).toEqual([about]);
  });

  it('leaves every other failure, command and moment alone', () => {
    const { redis, send, fail, outcomes, heard, check } = connecting();
    const wrong = fail('WRONGPASS invalid username-password pair');
    send('auth');
    check();
    const refused = fail("NOPERM this user has no permissions to run the 'info' command");
    send('info'); // of a caller
    send('select');
    redis.status = 'ready';
    send('auth');
    check();
    expect(outcomes).toEqual([wrong, wrong, refused, refused, refused, refused]);
    expect(heard).toEqual([]);
  });

  it('takes a forbidden INFO of the ready check for an empty one', () => {
    const { fail, outcomes, heard, check } = connecting();
    fail("NOPERM this user has no permissions to run the 'info' command");
    check();
    expect(outcomes).toEqual([Buffer.from('')]);
    expect(heard).toEqual(['info-forbidden']);
  });
});
