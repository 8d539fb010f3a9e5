import type { VersioningOptions } from '@nestjs/common';
import type { ModuleRef } from '@nestjs/core';

/** What of Nest's container is looked at. It is not public, and may be elsewhere one day. */
interface Internals {
  readonly container?: {
    readonly applicationConfig?: {
      getGlobalInterceptors?(): readonly unknown[];
      getGlobalRequestInterceptors?(): readonly unknown[];
      getVersioning?(): VersioningOptions | undefined;
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
  const config = configOf(modules);
  const [all, scoped] = [
    config?.getGlobalInterceptors?.(),
    config?.getGlobalRequestInterceptors?.(),
  ];
  return all && scoped && [...all, ...scoped];
}

/**
 * How an application tells the versions of its routes apart (`enableVersioning`).
 *
 * @returns `'none'` if it does not; `undefined` if Nest does not tell
 */
export function versioningOf(
  modules: ModuleRef | undefined,
): VersioningOptions | 'none' | undefined {
  const config = configOf(modules);
  return config?.getVersioning && (config.getVersioning() ?? 'none');
}

function configOf(modules: ModuleRef | undefined) {
  return (modules as Internals | undefined)?.container?.applicationConfig;
}
