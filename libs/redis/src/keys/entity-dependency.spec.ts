import { describe, expect, it } from '@jest/globals';
import calculateSlot from 'cluster-key-slot';
import { entityDependency } from './entity-dependency.js';
import { KeyBuilder } from './key-builder.js';
import { versionBeside } from './sibling.js';

const keys = new KeyBuilder({ app: 'myapp', environment: 'test' });

describe('The version beside an entity', () => {
  it.each(['1', 'a:b', '{x}', '*', 'ä\n'])('has one key, in the slot of the entity: %j', (id) => {
    const key = keys.key('user', id);
    const { entity, version } = entityDependency(keys, key);
    expect(entity).toBe(key);
    expect(version).toBe(versionBeside(key));
    expect(calculateSlot(version)).toBe(calculateSlot(key));
  });

  it('begins with one prefix, of the application and environment of the entity', () => {
    const spaces = [keys, new KeyBuilder({ app: 'a:b', environment: '{e}' })];
    for (const space of spaces) {
      const prefix = space.pattern('version').slice(0, -1);
      for (const kind of ['user', 'a:b', '{x}', 'version']) {
        const key = space.key(kind, 1, '{2}');
        expect(versionBeside(key)).toBe(`${prefix}{${key}}`);
        expect(space.parse(versionBeside(key))).toEqual({
          ...space.parse(key),
          sibling: 'version',
        });
      }
    }
  });

  it('is found whatever key was asked for before', () => {
    const key = keys.key('user', 1);
    const others = ['', 'user', 'user:', 'user:myapp', 'user:myapp:', 'user:myapp:test', 'x:y:z:1'];
    for (const other of [...others, keys.key('user', '1', '2'), keys.key('users', 1)]) {
      versionBeside(other);
      expect(versionBeside(key)).toBe(`version:myapp:test:{${key}}`);
    }
  });

  it('is no key of a kind named version', () => {
    const key = keys.key('version', 5);
    expect(keys.parse(key)).toEqual({
      app: 'myapp',
      environment: 'test',
      kind: 'version',
      parts: ['5'],
    });
    expect(versionBeside(keys.key('user', 5))).not.toBe(key);
  });
});
