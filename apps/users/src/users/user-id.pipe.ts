import type { PipeTransform } from '@nestjs/common';
import { Injectable, NotFoundException } from '@nestjs/common';

import { LONGEST_USER_ID } from './user.js';

/** Answers 404 to a text that cannot be an id, without a look-up. */
@Injectable()
export class UserIdPipe implements PipeTransform<string, string> {
  transform(id: string): string {
    if (id.length > LONGEST_USER_ID) throw new NotFoundException('No id is that long.');
    return id;
  }
}
