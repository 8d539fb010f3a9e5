import { describe, expect, it } from '@jest/globals';
import { QueryFailedError } from 'typeorm';

import {
  DatabaseFailureException,
  DatabaseUnavailableException,
  UniqueViolationException,
} from './database.exceptions.js';
import { translateDatabaseError } from './translate-database-error.js';

const SQL = 'INSERT INTO users VALUES ($1)';

/** TypeORM's error for a driver's error, with the statement and its values. */
function failed(facts: object, message = 'value hunter2 is not accepted'): QueryFailedError {
  return new QueryFailedError(SQL, ['hunter2'], Object.assign(new Error(message), facts));
}

describe('translateDatabaseError', () => {
  it.each([
    ['08006', 'connection_failure'],
    ['25006', 'read_only_sql_transaction'],
    ['40001', 'serialization_failure'],
    ['40P01', 'deadlock_detected'],
    ['53100', 'disk_full'],
    ['53300', 'too_many_connections'],
    ['55P03', 'lock_not_available'],
    ['57014', 'query_canceled'],
    ['57P01', 'admin_shutdown'],
    ['57P03', 'cannot_connect_now'],
    ['58030', 'io_error'],
    ['SQLITE_BUSY', ''],
    ['SQLITE_BUSY_SNAPSHOT', ''],
    ['SQLITE_FULL', ''],
    ['SQLITE_READONLY', ''],
    ['ECONNREFUSED', ''],
    ['ENOTFOUND', ''],
  ])('takes %s (%s) for a database that is away', (code) => {
    const translated = translateDatabaseError(failed({ code }));

    expect(translated).toBeInstanceOf(DatabaseUnavailableException);
    expect(translated).toMatchObject({ problem: { status: 503 }, retryAfterSeconds: 2 });
  });

  it.each([
    'timeout exceeded when trying to connect',
    'Connection terminated unexpectedly',
    'Connection terminated due to connection timeout',
    'Client has encountered a connection error and is not queryable',
    'no answer for 6000 ms',
  ])('takes "%s" for a database that is away, with and without TypeORM', (message) => {
    for (const error of [new Error(message), failed({}, message)]) {
      expect(translateDatabaseError(error)).toBeInstanceOf(DatabaseUnavailableException);
    }
  });

  it('names the addresses that were tried when a host has several', () => {
    const error = new AggregateError(
      ['ECONNREFUSED', 'ETIMEDOUT'].map((code) => Object.assign(new Error(), { code })),
    );

    expect(translateDatabaseError(Object.assign(error, { code: 'ECONNREFUSED' }))).toMatchObject({
      reason: 'ECONNREFUSED, ETIMEDOUT',
    });
  });

  it.each([
    [{ code: '23505', constraint: 'users_email_key' }, 'users_email_key'],
    [{ code: 'SQLITE_CONSTRAINT_UNIQUE' }, 'users.email'],
    [{ code: 'SQLITE_CONSTRAINT_PRIMARYKEY' }, 'users.email'],
  ])('takes %j for a value that is taken', (facts, constraint) => {
    const translated = translateDatabaseError(
      failed(facts, 'UNIQUE constraint failed: users.email'),
    );

    expect(translated).toBeInstanceOf(UniqueViolationException);
    expect(translated).toMatchObject({ constraint, problem: { status: 409 } });
  });

  it.each([
    ['28P01', /password/],
    ['3D000', /no database/],
    ['42501', /may not/],
    ['42P01', /^42P01$/],
    ['SQLITE_ERROR', /^SQLITE_ERROR$/],
    [undefined, /^no code$/],
  ])('takes %s for a failure that waiting does not mend', (code, reason) => {
    const translated = translateDatabaseError(failed({ code }));

    expect(translated).toBeInstanceOf(DatabaseFailureException);
    expect(translated).toMatchObject({
      problem: { status: 500 },
      reason: expect.stringMatching(reason),
    });
  });

  it('takes a pooler that refuses statement_timeout for a failure that waiting does not solve', () => {
    const error = Object.assign(new Error('unsupported startup parameter: statement_timeout'), {
      code: '08P01',
    });

    const translated = translateDatabaseError(error);

    expect(translated).toBeInstanceOf(DatabaseFailureException);
    expect(translated).toMatchObject({ reason: expect.stringMatching(/pooler.*\(08P01\)$/) });
  });

  it('understands errors that are no instances of Error, such as those of libsql', () => {
    const error = { name: 'SqliteError', message: 'locked', code: 'SQLITE_BUSY' };

    expect(translateDatabaseError(error)).toBeInstanceOf(DatabaseUnavailableException);
  });

  it.each(['23505', '28P01', '42P01', '57014', 'SQLITE_BUSY'])(
    'carries neither statement nor value (%s)',
    (code) => {
      const translated = translateDatabaseError(failed({ code, detail: 'Key (email)=(hunter2)' }));

      const everything = JSON.stringify(translated, Object.getOwnPropertyNames(translated));
      expect(everything).not.toMatch(/hunter2|INSERT/);
      expect(String((translated as Error).stack)).not.toMatch(/hunter2|INSERT/);
    },
  );

  it.each([new TypeError('x is not a function'), undefined, 'text'])(
    'leaves %s as it is: no failure of a database',
    (error) => {
      expect(translateDatabaseError(error)).toBe(error);
    },
  );
});
