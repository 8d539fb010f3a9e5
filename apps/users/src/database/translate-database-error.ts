import { QueryFailedError } from 'typeorm';

import {
  DatabaseFailureException,
  DatabaseUnavailableException,
  UniqueViolationException,
} from './database.exceptions.js';

/** The first characters of SQLSTATEs (https://www.postgresql.org/docs/current/errcodes-appendix.html), and their meaning. */
type States = readonly (readonly [start: string, reason: string])[];

/** PostgreSQL can execute no statement at the moment. */
const AWAY: States = [
  ['08', 'the connection was lost'],
  ['53300', 'it has too many connections'],
  ['53', 'it lacks resources'],
  ['57P', 'it is starting or stopping'],
  ['58', 'its system has failed'],
];

/** This statement could not be executed now; others may be. */
const GIVEN_UP: States = [
  ['25006', 'it is read-only'],
  ['40', 'transactions were in each other’s way'],
  ['55P03', 'a lock could not be had in time'],
  ['57014', 'a statement took longer than DATABASE_STATEMENT_TIMEOUT'],
];

/** Problems that waiting does not solve, but an operator can. */
const REFUSALS: States = [
  ['28', 'it refuses the user or the password of DATABASE_URL'],
  ['3D000', 'it has no database of the name in DATABASE_URL'],
  ['42501', 'the user of DATABASE_URL may not do this'],
];

/** PgBouncer sends this message with the SQLSTATE of a lost connection. */
const REFUSED_SETTING = 'unsupported startup parameter';
const REFUSED_SETTING_REASON =
  'its pooler refuses statement_timeout, and has to be told to ignore it';

/** The codes of Node, and below the messages of pg, if there is no connection, or none in time. */
const NO_CONNECTION = new Set([
  ...['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'EHOSTUNREACH', 'EHOSTDOWN'],
  ...['ENETUNREACH', 'ENETDOWN', 'ENOTFOUND', 'EAI_AGAIN', 'EADDRNOTAVAIL', 'ECONNABORTED'],
]);
const NO_CONNECTION_WORDS =
  /^(timeout exceeded when trying to connect|Connection terminated|Client (was closed|has encountered))|no answer for \d+ ms|Cannot use a pool after/;

/** SQLite's: locked by another process, a read-only file, a full disk, a disk that fails. */
const GIVEN_UP_SQLITE = /^SQLITE_(BUSY|LOCKED|READONLY|FULL|IOERR|NOMEM|INTERRUPT)/;

/** An error of a driver: those of libsql are no instances of Error. */
interface DriverError {
  readonly message: string;
  readonly code?: string;
  readonly constraint?: string;
  /** The attempts at the addresses of one host. */
  readonly errors?: readonly unknown[];
}

/**
 * Translates errors of TypeORM and its drivers into exceptions without statements and values, which the
 * errors of TypeORM have. An error that is no failure of a database is returned as it is.
 */
export function translateDatabaseError(error: unknown): unknown {
  const cause = error instanceof QueryFailedError ? (error.driverError as unknown) : error;
  if (!isDriverError(cause)) return error;
  const { code = '', constraint, message, errors = [] } = cause;
  if (code === '23505') return new UniqueViolationException(constraint ?? 'unknown');
  if (/^SQLITE_CONSTRAINT_(UNIQUE|PRIMARYKEY)$/.test(code)) {
    return new UniqueViolationException(message.replace(/^UNIQUE constraint failed: /, ''));
  }
  if (message.startsWith(REFUSED_SETTING)) {
    return new DatabaseFailureException(`${REFUSED_SETTING_REASON} (${code})`);
  }
  const away = matching(AWAY, code);
  if (away !== undefined) return new DatabaseUnavailableException(`${away} (${code})`);
  const givenUp = matching(GIVEN_UP, code) ?? GIVEN_UP_SQLITE.exec(code)?.[0];
  if (givenUp !== undefined) return new DatabaseUnavailableException(`${givenUp} (${code})`, false);
  if (NO_CONNECTION.has(code) || NO_CONNECTION_WORDS.test(message)) {
    return new DatabaseUnavailableException(message || codesOf(errors) || code);
  }
  const refusal = matching(REFUSALS, code);
  if (refusal !== undefined) return new DatabaseFailureException(`${refusal} (${code})`);
  if (error instanceof QueryFailedError) return new DatabaseFailureException(code || 'no code');
  return error;
}

function isDriverError(error: unknown): error is DriverError {
  return typeof error === 'object' && error !== null && 'message' in error;
}

function matching(table: States, code: string): string | undefined {
  // A code of Node or SQLite is no SQLSTATE.
  if (!/^[0-9A-Z]{5}$/.test(code)) return undefined;
  return table.find(([start]) => code.startsWith(start))?.[1];
}

function codesOf(errors: readonly unknown[]): string {
  return errors.map((each) => String((each as DriverError).code ?? each)).join(', ');
}
