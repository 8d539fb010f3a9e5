import type { CallHandler, ExecutionContext } from '@nestjs/common';
import { applyDecorators, Inject, Injectable, UseInterceptors } from '@nestjs/common';
import type { ConfigType } from '@nestjs/config';
import { CacheScope, CacheTags, CacheTTL, RedisCacheInterceptor } from 'nestjs-redis-data';
import type { Observable } from 'rxjs';

import { appConfig } from '../config/app.config.js';
import { LONGEST_USER_ID, userTag } from './user.js';

interface UserRequest {
  readonly params: { readonly id: string };
}

/**
 * Caches what a GET route shows of the user whose id is in its path, for everybody, unless
 * `USERS_STORE` is `sql`. Short, because a user that expires is shown for as long as that; a change or
 * a deletion is seen at once.
 */
export function CachedUser(): MethodDecorator {
  return applyDecorators(
    UseInterceptors(UserResponseCache),
    CacheTTL('30s'),
    CacheTags(({ params }: UserRequest) => userTag(params.id)),
    // No user has a longer id, and Redis is not asked about it.
    CacheScope(({ params }: UserRequest) =>
      params.id.length > LONGEST_USER_ID ? undefined : 'everybody',
    ),
  );
}

@Injectable()
class UserResponseCache extends RedisCacheInterceptor {
  @Inject(appConfig.KEY)
  private readonly config!: ConfigType<typeof appConfig>;

  override intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    return this.config.usersStore === 'sql' ? next.handle() : super.intercept(context, next);
  }
}
