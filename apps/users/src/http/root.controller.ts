import { Controller, Get, Redirect } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';

import { DOCUMENTATION_PATH } from './documentation.js';

/** Leads a person who opens the address of the API to what it can do. */
@Controller()
@ApiExcludeController()
export class RootController {
  @Get()
  @Redirect(DOCUMENTATION_PATH, 302)
  toDocumentation(): void {
    // The decorator answers.
  }
}
