import { describe, expect, it } from '@jest/globals';
import { TrackingError, troubleOf } from './troubles.js';

const reply = (message: string, name: string) =>
  Object.assign(new Error(message), { command: { name } });

describe('troubleOf', () => {
  it.each([
    [
      reply("NOPERM this user has no permissions to run 'client|id'", 'client'),
      'An ACL forbids CLIENT TRACKING.',
    ],
    [reply('NOPERM No permissions to access a channel', 'subscribe'), 'An ACL forbids SUBSCRIBE.'],
    [reply("NOPERM this user has no permissions to run 'ping'", 'ping'), 'An ACL forbids PING.'],
    [
      reply("NOPERM this user has no permissions to run 'exists'", 'exists'),
      'An ACL forbids EXISTS.',
    ],
    [reply("ERR unknown command 'CLIENT'", 'client'), 'The server does not know CLIENT TRACKING.'],
    [new TrackingError('No push.', { isLasting: true }), 'No push.'],
  ])('is lasting: %s', (error, reason) => {
    expect(troubleOf(error)).toEqual({ reason, isLasting: true });
  });

  it.each([
    [
      reply('LOADING Redis is loading the dataset in memory', 'client'),
      'The server answered LOADING.',
    ],
    [
      reply("READONLY You can't write against a read only replica.", 'set'),
      'The server answered READONLY.',
    ],
    [reply('MOVED 3999 10.0.0.1:6381', 'exists'), 'The server answered MOVED.'],
    [reply('WRONGPASS invalid username-password pair', 'auth'), 'The server answered WRONGPASS.'],
    [new TrackingError('No answer.'), 'No answer.'],
  ])('may pass: %s', (error, reason) => {
    expect(troubleOf(error)).toEqual({ reason, isLasting: false });
  });

  it.each([[new Error('connect ECONNREFUSED 10.0.0.1:6379')], ['no error'], [undefined]])(
    'names no host: %s',
    (error) => {
      const reason = 'There is no connection to the server.';
      expect(troubleOf(error)).toEqual({ reason, isLasting: false });
    },
  );
});
