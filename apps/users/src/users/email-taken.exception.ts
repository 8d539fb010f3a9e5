import { HttpStatus } from '@nestjs/common';

import { FieldsException } from '../http/fields.exception.js';

/** Another user has this e-mail. */
export class EmailTakenException extends FieldsException {
  constructor(options?: ErrorOptions) {
    super(
      {
        type: 'urn:users-api:email-taken',
        status: HttpStatus.CONFLICT,
        detail: 'Another user has this e-mail.',
        errors: [{ property: 'email', messages: ['email is already in use'] }],
      },
      options,
    );
  }
}
