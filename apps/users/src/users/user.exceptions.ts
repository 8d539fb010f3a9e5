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

/** Thrown if each attempt at a change met another change of the same user. Nothing was changed. */
export class TooManyChangesException extends ProblemException {
  override readonly name = 'TooManyChangesException';

  constructor() {
    super(
      {
        ...CONFLICT,
        detail: 'Another request changed this at the same time. Please try again.',
      },
      'Other changes were faster at each attempt.',
    );
  }
}

/** Thrown for values that a request must not have, such as a cursor that no page has given. */
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
