/**
 * Nest's insides: everything that this library uses of Nest beyond the documented API. Checked with Nest
 * 11.2 and 12.5. `nest-internals.spec.ts` fails when Nest changes one of them, and each function says what
 * happens to an application whose Nest has changed it.
 */
import {
  Next,
  Redirect,
  Render,
  Res,
  Sse,
  UseInterceptors,
  Version,
  type VersioningOptions,
} from '@nestjs/common';
import type { ModuleRef, ModulesContainer } from '@nestjs/core';
import { RedisConfigurationException } from '../errors/redis-configuration.exception.js';

/** The keys under which Nest's decorators store what they are given. */
const METADATA = {
  interceptors: '__interceptors__',
  filters: '__exceptionFilters__',
  routeArguments: '__routeArguments__',
  passthrough: '__responsePassthrough__',
  version: '__version__',
  isGateway: 'websockets:is_gateway',
  sentOtherwise: ['__sse__', '__renderTemplate__', '__redirect__'],
} as const;

/** `@Res()` and `@Next()` among the arguments of a route, which Nest stores as `number:index`. */
const RESPONSE_OR_NEXT = /^[12]:/;

/** reflect-metadata, which Nest loads. */
const reflect = Reflect as unknown as {
  getMetadata(key: string, target: object, property?: string | symbol): unknown;
  defineMetadata(key: string, value: unknown, target: object): void;
  deleteMetadata(key: string, target: object): unknown;
};

/** Reads what a decorator has stored on a class, a handler or a property of a class. */
export function metadataOf(key: string, target: object, property?: string): unknown {
  return property === undefined
    ? reflect.getMetadata(key, target)
    : reflect.getMetadata(key, target, property);
}

/** The interceptors in `@UseInterceptors` of a class or a handler. {@link requireKnownNest} checks it. */
export function interceptorsOn(target: object): readonly unknown[] {
  const interceptors = reflect.getMetadata(METADATA.interceptors, target);
  return Array.isArray(interceptors) ? interceptors : [];
}

/** The version in `@Version` or `@Controller({ version })`. {@link requireKnownNest} checks it. */
export function versionOf(controller: object, handler: object): Versions {
  const key = METADATA.version;
  return (reflect.getMetadata(key, handler) ?? reflect.getMetadata(key, controller)) as Versions;
}

/** The versions that a route or an application declares. */
export type Versions = string | symbol | readonly (string | symbol)[] | undefined;

/**
 * Tells whether a handler sends its response itself, so that Nest does not send what the handler returns
 * (as Nest's RouterExecutionContext decides it). {@link requireKnownNest} checks it.
 */
export function sendsItself(controller: object, handler: object, method: string): boolean {
  if (METADATA.sentOtherwise.some((key) => reflect.getMetadata(key, handler) !== undefined)) {
    return true;
  }
  const args = reflect.getMetadata(METADATA.routeArguments, controller, method) ?? {};
  const isPassthrough = reflect.getMetadata(METADATA.passthrough, controller, method) === true;
  return Object.keys(args).some((arg) => RESPONSE_OR_NEXT.test(arg)) && !isPassthrough;
}

/**
 * Fails the start if Nest's decorators store something else, or elsewhere, than the functions above read.
 * Without this check a handler with `@Res()` would never answer on a hit.
 *
 * @param nest the decorators, which tests replace
 * @throws RedisConfigurationException naming the decorators
 */
export function requireKnownNest(nest: Decorators = DECORATORS): void {
  const unknown = unknownDecorators(nest);
  if (unknown.length === 0) return;
  throw new RedisConfigurationException([
    {
      setting: 'RedisCacheInterceptor',
      value: `${unknown.join(', ')} of the installed @nestjs/common`,
      accepted:
        'decorators that this version of nestjs-redis-data can read. Install the version of ' +
        '@nestjs/common that you used before, or a newer version of nestjs-redis-data',
    },
  ]);
}

const DECORATORS = { Next, Redirect, Render, Res, Sse, UseInterceptors, Version };
export type Decorators = typeof DECORATORS;

/** Decorates a handler with each of them and reads it again. */
function unknownDecorators(nest: Decorators): string[] {
  const isRead = (
    decorate: (prototype: object, name: string, descriptor: { value: () => void }) => void,
    read: (owner: object, handler: () => void) => boolean,
  ): boolean => {
    const handler = () => undefined;
    class Owner {
      readonly handler = handler;
    }
    decorate(Owner.prototype, 'handler', { value: handler });
    return read(Owner, handler);
  };
  const sends = (owner: object, handler: object) => sendsItself(owner, handler, 'handler');
  const argument = (decorate: ParameterDecorator) => (prototype: object, name: string) => {
    decorate(prototype, name, 0);
  };
  const checks = {
    '@UseInterceptors()': isRead(
      nest.UseInterceptors(Map as never), // any class will do
      (_, handler) => interceptorsOn(handler).includes(Map),
    ),
    '@Version()': isRead(nest.Version('1'), (owner, handler) => versionOf(owner, handler) === '1'),
    '@Res()': isRead(argument(nest.Res()), sends),
    '@Res({ passthrough: true })': isRead(
      argument(nest.Res({ passthrough: true })),
      (owner, handler) => !sends(owner, handler),
    ),
    '@Next()': isRead(argument(nest.Next()), sends),
    '@Sse()': isRead(nest.Sse(), sends),
    '@Render()': isRead(nest.Render('view'), sends),
    '@Redirect()': isRead(nest.Redirect(), sends),
  };
  return Object.entries(checks).flatMap(([name, isKnown]) => (isKnown ? [] : [name]));
}

/** The configuration of an application, which Nest keeps in the container of a `ModuleRef`. */
interface Internals {
  readonly container?: {
    readonly applicationConfig?: {
      getGlobalInterceptors?(): readonly unknown[];
      getGlobalRequestInterceptors?(): readonly unknown[];
      getVersioning?(): VersioningOptions | undefined;
    };
  };
}

function configOf(modules: ModuleRef | undefined) {
  return (modules as Internals | undefined)?.container?.applicationConfig;
}

/**
 * The global interceptors of an application: those of `APP_INTERCEPTOR` and of `useGlobalInterceptors`,
 * then the request-scoped ones, which Nest calls last.
 *
 * @returns `undefined` if Nest keeps them elsewhere: there may be some, and the cache then stores for each
 * response what they would see
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
 * How an application distinguishes the versions of its routes (`enableVersioning`).
 *
 * @returns `'none'` if it does not; `undefined` if Nest keeps it elsewhere, and the cache then bypasses
 * routes that have several versions
 */
export function versioningOf(
  modules: ModuleRef | undefined,
): VersioningOptions | 'none' | undefined {
  const config = configOf(modules);
  return config?.getVersioning && (config.getVersioning() ?? 'none');
}

/** All providers of an application, as Nest's injector keeps them. Without them the start fails. */
export function providersOf(modules: ModulesContainer) {
  return [...modules.values()].flatMap((module) => [...module.providers.values()]);
}

/** A provider as Nest's injector keeps it. */
export type InjectorProvider = ReturnType<typeof providersOf>[number];

/** The classes of an application that `@WebSocketGateway` decorates; none if Nest marks them otherwise. */
export function gatewaysIn(providers: readonly InjectorProvider[]): object[] {
  const isGateway = (metatype: object) =>
    reflect.getMetadata(METADATA.isGateway, metatype) === true;
  const types = providers.flatMap(({ metatype }) => (metatype ? [metatype] : []));
  return [...new Set<object>(types.filter(isGateway))];
}

/** The filters in `@UseFilters` of a class, or of its parent if it has none, as Nest reads them. */
export function filtersOn(target: object): readonly unknown[] {
  const filters = reflect.getMetadata(METADATA.filters, target);
  return Array.isArray(filters) ? filters : [];
}

/** Replaces the filters of a class. Nest ignores it if it keeps them elsewhere. */
export function setFilters(target: object, filters: readonly unknown[]): void {
  if (filters.length > 0) reflect.defineMetadata(METADATA.filters, filters, target);
  else reflect.deleteMetadata(METADATA.filters, target);
}
