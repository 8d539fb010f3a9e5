import type { ExceptionFilter } from '@nestjs/common';
import type { ModulesContainer } from '@nestjs/core';

/** What Nest notes about a class, by the names that it has had since its first versions. */
const NEST = { isGateway: 'websockets:is_gateway', filters: '__exceptionFilters__' } as const;

/**
 * Nest asks a filter that is provided as `APP_FILTER` for controllers and resolvers, and not for gateways:
 * their context reads the filters of the class and of the method alone. So the filter joins those of each
 * gateway's class, before them, which is where a global filter stands.
 *
 * Nest reads them between making the providers and `onModuleInit`. The classes belong to every
 * application of the process: they must be left as they were.
 *
 * @param filter does nothing unless its class is provided as `APP_FILTER`
 * @returns a function that takes the filter back, to be called in `onModuleInit`
 */
export function joinGateways(modules: ModulesContainer, filter: ExceptionFilter): () => void {
  const providers = [...modules.values()].flatMap((module) => [...module.providers.values()]);
  const isGlobal = providers.some(
    ({ subtype, metatype }) => subtype === 'filter' && metatype === filter.constructor,
  );
  if (!isGlobal) return () => undefined;
  const gateways = new Set(
    providers.flatMap(({ metatype }) =>
      metatype && metadata.getMetadata(NEST.isGateway, metatype) === true ? [metatype] : [],
    ),
  );
  for (const gateway of gateways) setFilters(gateway, [filter, ...without(filter, gateway)]);
  return () => {
    for (const gateway of gateways) setFilters(gateway, without(filter, gateway));
  };
}

/** The filters of a gateway, its parent's if it has none of its own, as Nest reads them. */
function without(filter: ExceptionFilter, gateway: object): readonly unknown[] {
  const filters = metadata.getMetadata(NEST.filters, gateway) as readonly unknown[] | undefined;
  return (filters ?? []).filter((one) => one !== filter);
}

function setFilters(gateway: object, filters: readonly unknown[]): void {
  if (filters.length > 0) metadata.defineMetadata(NEST.filters, filters, gateway);
  else metadata.deleteMetadata(NEST.filters, gateway);
}

/** There once reflect-metadata is loaded, which Nest does. */
const metadata = Reflect as unknown as {
  getMetadata(key: string, target: object): unknown;
  defineMetadata(key: string, value: unknown, target: object): void;
  deleteMetadata(key: string, target: object): unknown;
};
