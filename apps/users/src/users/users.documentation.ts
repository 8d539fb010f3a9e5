/** What `/docs` says about each operation, kept apart so that the controller stays readable. */
import { applyDecorators } from '@nestjs/common';
import {
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
import { UserProfileResponse } from './dto/user-profile.response.js';
import { UserResponse } from './dto/user.response.js';

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
          'With `ids` those that exist, each once, in the order asked for, in one round trip to ' +
          'Redis. Without, a page of all users in no order: follow `Link` until there is none. ' +
          'Users that are there all the time come at least once, and seldom twice.',
        headers: {
          Link: {
            description: 'The next page, as `<...>; rel="next"`; absent on the last one',
            schema: { type: 'string' },
          },
        },
      }),
    ],
  );

export const Read = () =>
  operation('Read a user', [404], [ID, ApiOkResponse({ type: UserResponse })]);

export const Profile = () =>
  operation(
    'Read a user with the name to display',
    [404],
    [ID, ApiOkResponse({ type: UserProfileResponse })],
  );

export const Update = () =>
  operation(
    'Change some fields of a user',
    [400, 404, 409, 413, 415],
    [ID, ApiOkResponse({ type: UserResponse })],
  );

export const Remove = () => operation('Delete a user', [404], [ID, ApiNoContentResponse()]);

const ID = ApiParam({ name: 'id', example: '6f1c1a52-5b0e-4b43-9a6c-2f8d9f0f7a11' });

const PROBLEMS = {
  400: 'The request is not valid; every problem is listed',
  404: 'There is no such user',
  409: 'Another user has this e-mail, or too many others changed this user at the same time',
  413: 'The body is larger than 64 KiB',
  415: 'The body is not JSON',
  503: 'Redis is not available, or there is too much to do; Retry-After says when to try again',
} as const;

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
    content: { 'application/problem+json': { schema: { $ref: getSchemaPath(Problem) } } },
  });
}
