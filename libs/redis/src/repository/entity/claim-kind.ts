import { RedisConfigurationException } from '../../errors/redis-configuration.exception.js';
import type { KeyBuilder } from '../../keys/key-builder.js';
import type { EntityClass, EntitySchema } from './entity-schema.js';

const claimed = new WeakMap<KeyBuilder, Map<string, EntityClass>>();

/**
 * Makes sure that two classes do not share keys: each would find the other's data under its own ids.
 *
 * @throws RedisConfigurationException if another class has this kind on the same connection
 * @internal
 */
export function claimKind(keys: KeyBuilder, { kind, entity }: EntitySchema): void {
  const kinds = claimed.get(keys) ?? new Map<string, EntityClass>();
  claimed.set(keys, kinds);
  const other = kinds.get(kind);
  if (other !== undefined && other !== entity) {
    const setting = `@RedisEntity of ${entity.name}: kind`;
    const accepted = `a kind of its own: ${other.name} has this one, and their keys would be the same`;
    throw new RedisConfigurationException([{ setting, value: kind, accepted }]);
  }
  kinds.set(kind, entity);
}
