import { ProblemException } from '../http/problem.exception.js';

const CONFLICT = {
  type: 'urn:users-api:conflict',
  title: 'Conflict',
  status: 409,
  code: 'CONFLICT',
};

/** Thrown when another user has the e-mail. */
export class EmailTakenException extends ProblemException {
  override readonly name = 'EmailTakenException';

  constructor() {
    super(
      {
        ...CONFLICT,
        detail: 'Some values are already taken; see "errors".',
        errors: [{ property: 'email', messages: ['email is already taken'] }],
      },
      'The e-mail is taken.',
    );
  }
}

/** Thrown when others changed the user each time that a change was tried. Nothing was changed. */
export class TooManyChangesException extends ProblemException {
  override readonly name = 'TooManyChangesException';

  constructor() {
    super(
      {
        ...CONFLICT,
        detail: 'Somebody else changed this at the same time. Please try again.',
      },
      'Others were faster each time.',
    );
  }
}

/** Thrown for values that a request may not have, such as a cursor that no page has given. */
export class UnacceptableValueException extends ProblemException {
  override readonly name = 'UnacceptableValueException';

  constructor(property: string, message: string) {
    super(
      {
        type: 'urn:users-api:invalid-fields',
        title: 'Bad Request',
        status: 400,
        detail: 'The request has invalid fields.',
        errors: [{ property, messages: [`${property} ${message}`] }],
      },
      `${property} ${message}`,
    );
  }
}
