import { PartialType } from '@nestjs/swagger';

import { CreateUserDto } from './create-user.dto.js';

/** Any of the fields; `null` is refused, because no field can be removed. */
export class UpdateUserDto extends PartialType(CreateUserDto, { skipNullProperties: false }) {}
