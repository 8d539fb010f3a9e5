import { Module } from '@nestjs/common';
import { RedisModule } from 'nestjs-redis-data';

import { RedisUserRepository } from './redis-user.repository.js';
import { UserRepository } from './user.repository.js';
import { UsersController } from './users.controller.js';
import { UsersService } from './users.service.js';

@Module({
  imports: [RedisModule.forFeature([RedisUserRepository])],
  controllers: [UsersController],
  providers: [UsersService, { provide: UserRepository, useExisting: RedisUserRepository }],
})
export class UsersModule {}
