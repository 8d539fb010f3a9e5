import { PartialType } from '@nestjs/swagger';

import { CreateUserDto } from './create-user.dto.js';

/** Any of the fields; `null` is not a way to remove one. */
export class UpdateUserDto extends PartialType(CreateUserDto, { skipNullProperties: false }) {}
