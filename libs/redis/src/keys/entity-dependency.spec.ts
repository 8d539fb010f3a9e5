import { describe, expect, it } from '@jest/globals';
import calculateSlot from 'cluster-key-slot';
import { entityDependency, versionBeside } from './entity-dependency.js';
import { KeyBuilder } from './key-builder.js';

const keys = new KeyBuilder({ app: 'myapp', environment: 'test' });

describe('The version beside an entity', () => {
  it.each(['1', 'a:b', '{x}', '*', 'ä\n'])('has one key, in the slot of the entity: %j', (id) => {
    const key = keys.key('user', id);
    const { entity, version } = entityDependency(keys, key);
    expect(entity).toBe(key);
    expect(version).toBe(versionBeside(key));
    expect(calculateSlot(version)).toBe(calculateSlot(key));
  });
});
