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
 * Caches the response of a GET route about the user whose id is in its path, for all callers, unless
 * `USERS_STORE` is `sql`. A change or a deletion is visible at once. A user that expires in Redis stays
 * visible for up to 30 s. While the database is away, the response is served for another hour, as `STALE`.
 */
export function CachedUser(): MethodDecorator {
  return applyDecorators(
    UseInterceptors(UserResponseCache),
    CacheTTL({ ttl: '30s', failSafe: '1h' }),
    CacheTags(({ params }: UserRequest) => userTag(params.id)),
    // No user has a longer id, so Redis is not asked about it.
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
