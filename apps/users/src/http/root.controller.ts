import { Controller, Get, Redirect } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';

import { DOCUMENTATION_PATH } from './documentation.js';

/** Redirects people who open the address of the API to its documentation. */
@Controller()
@ApiExcludeController()
export class RootController {
  @Get()
  @Redirect(DOCUMENTATION_PATH, 302)
  toDocumentation(): void {
    // The decorator answers.
  }
}
