import type { ModuleRef } from '@nestjs/core';

/** What of Nest's container is looked at. It is not public, and may be elsewhere one day. */
interface Internals {
  readonly container?: {
    readonly applicationConfig?: {
      getGlobalInterceptors?(): readonly unknown[];
      getGlobalRequestInterceptors?(): readonly unknown[];
    };
  };
}

/**
 * The global interceptors of an application: those of `APP_INTERCEPTOR` and of `useGlobalInterceptors`,
 * the request-scoped ones, which are asked last, in their place.
 *
 * @returns `undefined` if Nest does not tell: there may be some
 */
export function globalInterceptorsOf(
  modules: ModuleRef | undefined,
): readonly unknown[] | undefined {
  const config = (modules as Internals | undefined)?.container?.applicationConfig;
  const [all, scoped] = [
    config?.getGlobalInterceptors?.(),
    config?.getGlobalRequestInterceptors?.(),
  ];
  return all && scoped && [...all, ...scoped];
}
