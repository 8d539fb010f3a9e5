import { ApiProperty } from '@nestjs/swagger';

import type { User } from '../user.js';
import { UserResponse } from './user.response.js';

export class UserProfileResponse extends UserResponse {
  @ApiProperty({ example: 'Ada Lovelace', description: 'First and last name without outer spaces' })
  readonly displayName!: string;

  static override of(user: User): UserProfileResponse {
    const displayName = `${user.firstName.trim()} ${user.lastName.trim()}`.trim();
    return { ...UserResponse.of(user), displayName };
  }
}
