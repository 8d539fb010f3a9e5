import type { ModulesContainer } from '@nestjs/core';
import { RedisConfigurationException } from '../errors/redis-configuration.exception.js';
import { providersOf, type InjectorProvider } from './nest-internals.js';
import { getRedisOptionsToken } from './redis.tokens.js';

const OPTIONS = getRedisOptionsToken('');

/**
 * Refuses options of a connection that depend on a request, directly or through other providers. Nest
 * would make them, the connection, its caches and its repositories anew for each request, and none of
 * them at boot.
 *
 * @throws RedisConfigurationException naming the connection and what is of request scope
 */
export function refuseRequestScope(modules: ModulesContainer): void {
  const providers = providersOf(modules);
  for (const options of providers) {
    if (typeof options.token !== 'string' || !options.token.startsWith(OPTIONS)) continue;
    if (options.isDependencyTreeStatic()) continue;
    const name = options.token.slice(OPTIONS.length);
    throw refusal(name, culpritOf(options, providers));
  }
}

/** The first provider among those that the factory injects that exists only for a request. */
function culpritOf({ inject }: InjectorProvider, providers: readonly InjectorProvider[]): string {
  const injected = new Set<unknown>(inject?.map(tokenOf));
  const culprit = providers.find(
    (provider) => injected.has(provider.token) && !provider.isDependencyTreeStatic(),
  );
  return String(culprit?.name ?? 'something');
}

function tokenOf(injected: unknown): unknown {
  return typeof injected === 'object' && injected !== null && 'token' in injected
    ? injected.token
    : injected;
}

function refusal(name: string, culprit: string): RedisConfigurationException {
  return new RedisConfigurationException([
    {
      setting: `RedisModule.forRootAsync: connection "${name}"`,
      value: culprit,
      accepted:
        'providers that exist once for the application. This one is of request scope, or depends on ' +
        'one that is, and a connection cannot be opened for each request',
    },
  ]);
}
