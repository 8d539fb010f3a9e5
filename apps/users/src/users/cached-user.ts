import { applyDecorators, UseInterceptors } from '@nestjs/common';
import { CacheScope, CacheTags, CacheTTL, RedisCacheInterceptor } from 'nestjs-redis-data';

import { LONGEST_USER_ID, userTag } from './user.js';

interface UserRequest {
  readonly params: { readonly id: string };
}

/**
 * Caches what a GET route shows of the user whose id is in its path, for everybody. Short, because a
 * user that expires is shown for as long as that; a change or a deletion is seen at once.
 */
export function CachedUser(): MethodDecorator {
  return applyDecorators(
    UseInterceptors(RedisCacheInterceptor),
    CacheTTL('30s'),
    CacheTags(({ params }: UserRequest) => userTag(params.id)),
    // No user has a longer id, and Redis is not asked about it.
    CacheScope(({ params }: UserRequest) =>
      params.id.length > LONGEST_USER_ID ? undefined : 'everybody',
    ),
  );
}
