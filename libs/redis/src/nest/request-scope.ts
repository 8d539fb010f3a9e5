import type { ModulesContainer } from '@nestjs/core';
import { RedisConfigurationException } from '../errors/redis-configuration.exception.js';
import { getRedisOptionsToken } from './redis.tokens.js';

/** A provider as Nest's container has it. */
type Wrapper = ReturnType<typeof providersOf>[number];

const OPTIONS = getRedisOptionsToken('');

/**
 * Refuses options that depend on a request, through whatever other providers. Nest would make them, and
 * with them the connection, its caches and repositories, for each request anew, and none of them at boot.
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

function providersOf(modules: ModulesContainer) {
  return [...modules.values()].flatMap((module) => [...module.providers.values()]);
}

/** Of what the factory injects, the first one that is there only for a request. */
function culpritOf({ inject }: Wrapper, providers: readonly Wrapper[]): string {
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
