import type { ExceptionFilter } from '@nestjs/common';
import type { ModulesContainer } from '@nestjs/core';
import { filtersOn, gatewaysIn, providersOf, setFilters } from './nest-internals.js';

/**
 * Adds a filter to all gateways of an application. Nest asks a filter that is provided as `APP_FILTER` for
 * controllers and resolvers, but not for gateways: their context reads only the filters of the class and
 * of the method. The filter is added before those of the class, in the place of a global filter.
 *
 * Nest reads the filters between making the providers and `onModuleInit`. The classes are shared by all
 * applications of the process, so they must be left as they were. If a future Nest keeps gateways or
 * filters elsewhere, gateways answer as they do without this filter.
 *
 * @param filter joins only if its class is provided as `APP_FILTER`
 * @returns a function that removes the filter again, to be called in `onModuleInit`
 */
export function joinGateways(modules: ModulesContainer, filter: ExceptionFilter): () => void {
  const providers = providersOf(modules);
  const isGlobal = providers.some(
    ({ subtype, metatype }) => subtype === 'filter' && metatype === filter.constructor,
  );
  const gateways = isGlobal ? gatewaysIn(providers) : [];
  const others = (gateway: object) => filtersOn(gateway).filter((one) => one !== filter);
  for (const gateway of gateways) setFilters(gateway, [filter, ...others(gateway)]);
  return () => {
    for (const gateway of gateways) setFilters(gateway, others(gateway));
  };
}
