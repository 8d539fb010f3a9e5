/** The texts of the operations in `/docs`, kept apart so that the controller stays readable. */
import { STATUS_CODES } from 'node:http';

import { applyDecorators, type Type } from '@nestjs/common';
import {
  ApiBody,
  ApiCreatedResponse,
  ApiExtraModels,
  ApiNoContentResponse,
  ApiOkResponse,
  ApiOperation,
  ApiParam,
  ApiResponse,
  getSchemaPath,
} from '@nestjs/swagger';

import { Problem } from '../http/problem.js';
import { UpdateUserDto } from './dto/update-user.dto.js';
import { UserProfileResponse } from './dto/user-profile.response.js';
import { UserResponse } from './dto/user.response.js';
import { LONGEST_USER_ID } from './user.js';

export const Create = () =>
  operation(
    'Create a user',
    [400, 409, 413, 415],
    [
      ApiCreatedResponse({
        type: UserResponse,
        headers: { Location: { description: 'Where the user is', schema: { type: 'string' } } },
      }),
    ],
  );

export const List = () =>
  operation(
    'Read several users, by their ids or page by page',
    [400],
    [
      ApiOkResponse({
        type: [UserResponse],
        description:
          'With `ids`: the users that exist, each once, in the order of `ids`. Without: a page of all ' +
          'users; follow `Link` until there is none.',
        headers: {
          Link: {
            description: 'The next page, as `<...>; rel="next"`; absent on the last one',
            schema: { type: 'string' },
          },
        },
      }),
    ],
  );

export const Read = () => operation('Read a user', [404], [ID, cached(UserResponse)]);

export const Profile = () =>
  operation('Read a user with the name to display', [404], [ID, cached(UserProfileResponse)]);

export const Update = () =>
  operation(
    'Change some fields of a user',
    [400, 404, 409, 413, 415],
    [
      ID,
      ApiBody({ type: UpdateUserDto, examples: { 'a new name': { value: { lastName: 'King' } } } }),
      ApiOkResponse({
        type: UserResponse,
        description: 'From now on, no cached answer is older than this one',
      }),
    ],
  );

export const Remove = () => operation('Delete a user', [404], [ID, ApiNoContentResponse()]);

const ID = ApiParam({
  name: 'id',
  description: 'The `id` in the answer to `POST /users`',
  schema: { type: 'string', maxLength: LONGEST_USER_ID },
});

const X_CACHE = {
  description:
    '`HIT`: from Redis. `STALE`: from Redis, because no new answer could be made. `MISS`: made anew. ' +
    '`BYPASS`: made without the cache, for example while Redis is away.',
  schema: { type: 'string', enum: ['HIT', 'STALE', 'MISS', 'BYPASS'] },
};

function cached(type: Type): MethodDecorator {
  return ApiOkResponse({
    type,
    headers: {
      'X-Cache': X_CACHE,
      Age: {
        description: 'Seconds since the answer was made; for `HIT` and `STALE`',
        schema: { type: 'integer' },
      },
    },
  });
}

const PROBLEMS = {
  400: 'The request is not valid; every problem is listed',
  404: 'There is no such user',
  409: 'Another user has this e-mail, or too many other requests changed this user at the same time',
  413: 'The body is larger than 64 KiB',
  415: 'The body is not JSON',
  503: 'The stores are not available, or the API is overloaded',
} as const;

const RETRY_AFTER = {
  description: 'Seconds after which to try again',
  schema: { type: 'integer' },
};

function operation(
  summary: string,
  problems: readonly (keyof typeof PROBLEMS)[],
  decorators: readonly MethodDecorator[],
): MethodDecorator {
  return applyDecorators(
    ApiOperation({ summary }),
    ApiExtraModels(Problem),
    ...decorators,
    ...[...problems, 503 as const].map((status) => problem(status)),
  );
}

function problem(status: keyof typeof PROBLEMS): MethodDecorator {
  return ApiResponse({
    status,
    description: PROBLEMS[status],
    ...(status === 503 && { headers: { 'Retry-After': RETRY_AFTER } }),
    content: {
      'application/problem+json': {
        schema: { $ref: getSchemaPath(Problem) },
        // The example of the schema is a 400.
        ...(status !== 400 && { example: exampleOf(status) }),
      },
    },
  });
}

function exampleOf(status: keyof typeof PROBLEMS): Problem {
  const problem = { type: 'about:blank', title: STATUS_CODES[status] ?? '', status };
  return status === 409
    ? { ...problem, errors: [{ property: 'email', messages: ['email is already taken'] }] }
    : problem;
}
