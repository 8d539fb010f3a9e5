import { describe, expect, it } from '@jest/globals';
import { Telemetry } from '../telemetry/telemetry.js';
import { connectionOf, openConnection, type Connection } from './connection.js';
import type { RedisClient } from './options/options.js';
import { resolveOptions } from './options/resolve-options.js';

/** A client that the library did not make. */
const foreign = () =>
  ({ status: 'wait', options: { host: 'redis.internal', port: 7 } }) as unknown as RedisClient;
const named = (name: string, message: string) => Object.assign(new Error(message), { name });

class Notes {
  readonly connection: Connection;

  constructor(connection: Connection) {
    this.connection = connection;
  }
}

describe('A connection', () => {
  it('has one part of a kind, for everything that uses its client', () => {
    const client = foreign();
    const notes = connectionOf(client).part(Notes);
    expect(notes.connection.client).toBe(client);
    expect(connectionOf(client).part(Notes)).toBe(notes);
    expect(connectionOf(foreign()).part(Notes)).not.toBe(notes);
  });

  it('is found by its client, with the name of its options', () => {
    const opened = openConnection(resolveOptions({}, 'jobs'), new Telemetry());
    expect(connectionOf(opened.client)).toBe(opened);
    expect(opened).toMatchObject({ name: 'jobs', commandTimeoutMs: 5_000 });
    expect(connectionOf(foreign())).toMatchObject({ name: 'default', commandTimeoutMs: 5_000 });
  });

  it('rejects with exceptions that name it', async () => {
    const { client } = openConnection(resolveOptions({}, 'jobs'), new Telemetry());
    const failed = connectionOf(client).run(() =>
      Promise.reject(named('ReplyError', 'NOPERM this user has no permissions')),
    );
    await expect(failed).rejects.toMatchObject({
      name: 'RedisPermissionException',
      connection: 'jobs',
    });
    const late = connectionOf(client).lateException({ operation: 'get', timeoutMs: 5 });
    expect(late).toMatchObject({ name: 'RedisTimeoutException', connection: 'jobs' });
  });

  it('knows the address of a client that the library did not make', () => {
    const refused = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
    expect(connectionOf(foreign()).exceptionOf(refused)).toMatchObject({
      name: 'RedisConnectionException',
      host: 'redis.internal',
      port: 7,
    });
  });

  it('passes on what is neither of the driver nor of this library', async () => {
    const mistake = new TypeError('x is not a function');
    await expect(connectionOf(foreign()).run(() => Promise.reject(mistake))).rejects.toBe(mistake);
  });
});
