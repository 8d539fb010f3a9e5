import {
  Body,
  Controller,
  Delete,
  Get,
  HttpCode,
  Param,
  Patch,
  Post,
  Query,
  Res,
} from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';

import { CreateUserDto } from './dto/create-user.dto.js';
import { ListUsersQuery, USUAL_LIMIT } from './dto/list-users.query.js';
import { UpdateUserDto } from './dto/update-user.dto.js';
import { UserProfileResponse } from './dto/user-profile.response.js';
import { UserResponse } from './dto/user.response.js';
import { CachedUser } from './cached-user.js';
import { UserIdPipe } from './user-id.pipe.js';
import * as docs from './users.documentation.js';
import { UsersService } from './users.service.js';

@ApiTags('users')
@Controller('users')
export class UsersController {
  readonly #users: UsersService;

  constructor(users: UsersService) {
    this.#users = users;
  }

  @Post()
  @docs.Create()
  async create(
    @Body() body: CreateUserDto,
    @Res({ passthrough: true }) response: HeaderSink,
  ): Promise<UserResponse> {
    const user = await this.#users.create(body);
    response.header('Location', `/users/${user.id}`);
    return UserResponse.of(user);
  }

  @Get()
  @docs.List()
  async list(
    @Query() { ids, limit = USUAL_LIMIT, ...from }: ListUsersQuery,
    @Res({ passthrough: true }) response: HeaderSink,
  ): Promise<UserResponse[]> {
    if (ids) return (await this.#users.getAll(ids)).map((user) => UserResponse.of(user));
    const { users, cursor } = await this.#users.page({ limit, ...from });
    if (cursor !== null) response.header('Link', nextPage(limit, cursor));
    return users.map((user) => UserResponse.of(user));
  }

  @Get(':id')
  @CachedUser()
  @docs.Read()
  async get(@Param('id', UserIdPipe) id: string): Promise<UserResponse> {
    return UserResponse.of(await this.#users.get(id));
  }

  @Get(':id/profile')
  @CachedUser()
  @docs.Profile()
  async profile(@Param('id', UserIdPipe) id: string): Promise<UserProfileResponse> {
    return UserProfileResponse.of(await this.#users.get(id));
  }

  @Patch(':id')
  @docs.Update()
  async update(
    @Param('id', UserIdPipe) id: string,
    @Body() body: UpdateUserDto,
  ): Promise<UserResponse> {
    return UserResponse.of(await this.#users.update(id, body));
  }

  @Delete(':id')
  @HttpCode(204)
  @docs.Remove()
  async delete(@Param('id', UserIdPipe) id: string): Promise<void> {
    await this.#users.delete(id);
  }
}

/** Makes a link in the form of RFC 8288. */
function nextPage(limit: number, cursor: string): string {
  const query = new URLSearchParams({ limit: String(limit), cursor });
  return `</users?${query.toString()}>; rel="next"`;
}

/** The common member of Fastify's reply and Express's response. */
interface HeaderSink {
  header(name: string, value: string): unknown;
}
