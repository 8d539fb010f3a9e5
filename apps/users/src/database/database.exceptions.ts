import { ProblemException } from '../http/problem.exception.js';

const RETRY_AFTER_SECONDS = 2;

/**
 * Thrown while the database cannot be reached, or does not answer in time. A change may or may not have
 * been made.
 */
export class DatabaseUnavailableException extends ProblemException {
  override readonly name = 'DatabaseUnavailableException';
  readonly code = 'DATABASE_UNAVAILABLE';

  /**
   * @param reason for the log: no statement and no value
   * @param isAway whether other statements would fail as well
   */
  constructor(
    readonly reason: string,
    readonly isAway = true,
  ) {
    super(
      {
        type: 'urn:users-api:database-unavailable',
        title: 'Service Unavailable',
        status: 503,
        detail: 'The service cannot reach its data at the moment. Please try again shortly.',
        code: 'DATABASE_UNAVAILABLE',
      },
      `The database cannot be used: ${reason}`,
      RETRY_AFTER_SECONDS,
    );
  }
}

/** Thrown for a value that has to be unique and is not. */
export class UniqueViolationException extends ProblemException {
  override readonly name = 'UniqueViolationException';
  readonly code = 'CONFLICT';

  /** @param constraint the name of PostgreSQL's constraint, or of SQLite's column */
  constructor(readonly constraint: string) {
    super(
      {
        type: 'urn:users-api:conflict',
        title: 'Conflict',
        status: 409,
        detail: 'Some values are already taken.',
        code: 'CONFLICT',
      },
      `A unique value is taken: ${constraint}`,
    );
  }
}

/** Thrown for a failure that waiting does not solve, such as a missing table. */
export class DatabaseFailureException extends ProblemException {
  override readonly name = 'DatabaseFailureException';
  readonly code = 'DATABASE_FAILURE';

  /** @param reason for the log: no statement and no value */
  constructor(readonly reason: string) {
    super(
      {
        type: 'urn:users-api:database-failure',
        title: 'Internal Server Error',
        status: 500,
        detail: 'The request could not be processed. The failure has been recorded.',
        code: 'DATABASE_FAILURE',
      },
      `The database refused a statement: ${reason}`,
    );
  }
}
