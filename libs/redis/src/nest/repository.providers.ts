import type { FactoryProvider, Provider } from '@nestjs/common';
import { Connections } from '../connection/connections.js';
import type { RedisClient, ResolvedRedisOptions } from '../connection/options/options.js';
import { RedisConfigurationException } from '../errors/redis-configuration.exception.js';
import type { KeyBuilder } from '../keys/key-builder.js';
import { requireEntityPeers } from '../peers/optional-peers.js';
import type { EntityClass } from '../repository/entity/entity-schema.js';
import { RedisRepository } from '../repository/redis-repository.js';
import { ttlOf } from '../time/ttl.js';
import {
  describeFeature,
  getRedisRepositoryToken,
  type RedisFeature,
} from './repository.tokens.js';
import { getKeyBuilderToken, getRedisOptionsToken, getRedisToken } from './redis.tokens.js';

/**
 * Makes a provider for each repository from a connection's client, keys and default TTL.
 *
 * @throws RedisConfigurationException if an item is no entity (it names the item's place in the list), or
 * class-validator or class-transformer is not installed
 */
export function repositoryProviders(
  features: readonly RedisFeature[],
  connection?: string,
): Provider[] {
  requireEntityPeers();
  const taken = new Map<string, RedisFeature>();
  return features.flatMap((feature, i) => {
    const { entity, repository } = describeFeature(
      feature,
      `RedisModule.forFeature, item ${i + 1}`,
    );
    const provide = getRedisRepositoryToken(feature, connection);
    const other = taken.get(provide);
    if (other !== undefined && other !== feature) throw sameKind(feature, other);
    taken.set(provide, feature);
    const provider: FactoryProvider = {
      provide,
      inject: [
        Connections,
        getRedisToken(connection),
        getKeyBuilderToken(connection),
        getRedisOptionsToken(connection),
      ],
      useFactory: (
        connections: Connections,
        client: RedisClient,
        keys: KeyBuilder,
        options: ResolvedRedisOptions,
      ) =>
        connections.guard(options.name, () =>
          create(repository ?? RedisRepository, client, keys, entity, options),
        ),
    };
    return repository ? [provider, { provide: repository, useExisting: provide }] : [provider];
  });
}

/** Makes a repository class of the user like ours. */
function create(
  repository: unknown,
  client: RedisClient,
  keys: KeyBuilder,
  entity: EntityClass,
  { defaultTtlMs }: ResolvedRedisOptions,
): RedisRepository<object> {
  const Repository = repository as typeof RedisRepository;
  return new Repository(client, keys, entity, { defaultTtl: ttlOf(defaultTtlMs) });
}

/** Without this, one class would silently get the other's repository. */
function sameKind(feature: RedisFeature, other: RedisFeature): RedisConfigurationException {
  const setting = `RedisModule.forFeature: ${nameOf(feature)}`;
  const accepted = `a kind, and a name, of its own: ${nameOf(other)} has the same`;
  return new RedisConfigurationException([{ setting, accepted }]);
}

function nameOf(feature: RedisFeature): string {
  return (feature as { name?: string }).name ?? 'a class without a name';
}
