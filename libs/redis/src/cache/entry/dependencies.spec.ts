import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { RedisInvalidKeyException } from '../../errors/redis-invalid-key.exception.js';
import { entityDependency } from '../../keys/entity-dependency.js';
import { KeyBuilder } from '../../keys/key-builder.js';
import { Dependencies } from './dependencies.js';

const keys = new KeyBuilder({ app: 'a', environment: 'e' });
const dependencies = new Dependencies(keys);

describe('Dependencies', () => {
  it('are tags, entities and any other keys, and each kind is told from the others', () => {
    const user = entityDependency(keys, keys.userKey(1));
    expect(dependencies.all({ tags: ['t', 5], dependsOn: [user, 'a\nb'] })).toMatchObject([
      { label: 'tt', by: 'version', key: 'tag:a:e:t' },
      { label: 't5', by: 'version', key: 'tag:a:e:5' },
      {
        label: 'euser:a:e:1',
        by: 'version',
        key: 'version:a:e:{user:a:e:1}',
        entity: 'user:a:e:1',
      },
      { label: 'k"a\\nb"', by: 'fingerprint', key: 'a\nb' },
    ]);
  });

  it('are named once each, and may be none', () => {
    const named = dependencies.all({ tags: ['t', 't', 't'], dependsOn: ['k', 'k'] });
    expect(named.map(({ label }) => label)).toEqual(['tt', 'k"k"']);
    expect(dependencies.all({})).toEqual([]);
    expect(dependencies.all({ tags: [], dependsOn: [] })).toEqual([]);
  });

  it('are one list, made once, for the same tags in the same order', () => {
    const some = new Dependencies(keys);
    const list = some.list({ tags: ['t', 'u', 5] });
    expect(list.all).toEqual(some.all({ tags: ['t', 'u', 5] }));
    expect(some.list({ tags: ['t', 'u', 5] })).toBe(list);
    for (const tags of [
      ['t', 'v', 5],
      ['t', 5],
      ['t', 'u', 'u', 5],
      ['u', 't', 5],
      ['t', 'u', '5'],
    ]) {
      expect(some.list({ tags }).all).toEqual(some.all({ tags }));
    }
    expect(some.list({ tags: ['t', 'u', 5] }).all).toEqual(list.all);
  });

  it('are as the caller named them, although he may change his list afterwards', () => {
    const some = new Dependencies(keys);
    const tags = ['t', 'u', 'v'];
    some.list({ tags });
    tags[1] = 'x';
    expect(some.list({ tags }).all.map(({ label }) => label)).toEqual(['tt', 'tx', 'tv']);
    expect(some.list({ tags: ['t', 'u', 'v'] }).all.map(({ label }) => label)).toEqual([
      'tt',
      'tu',
      'tv',
    ]);
  });

  it('beside tags are in no list that is kept', () => {
    const list = dependencies.list({ tags: ['t'], dependsOn: ['k'] });
    expect(list.all).toEqual(dependencies.all({ tags: ['t'], dependsOn: ['k'] }));
    expect(dependencies.list({ tags: ['t'] }).all).toHaveLength(1);
    expect(dependencies.list({})).toBe(dependencies.list({ tags: [], dependsOn: [] }));
  });

  it('are found again from their labels, in another process too, and have no line break', () => {
    const text = fc.oneof(
      fc.string({ minLength: 1, unit: 'binary' }),
      fc.constantFrom('__proto__', 'a:b', '*', '{x}', '\n', '\r', '\ud800', '😀'),
    );
    fc.assert(
      fc.property(text, (name) => {
        const user = entityDependency(keys, keys.userKey(name));
        const all = dependencies.all({ tags: [name], dependsOn: [name, user] });
        const others = new Dependencies(keys).ofLabels(all.map(({ label }) => label));
        expect(all).toMatchObject(others ?? []); // the names that callers use are not found again
        expect(all.some(({ label }) => label.includes('\n'))).toBe(false);
      }),
    );
  });

  it.each(['', 'k', 'knot JSON', 'enot a key', 'x'])(
    'are none for the foreign label %j',
    (label) => {
      expect(dependencies.ofLabels(['tt', label])).toBeUndefined();
    },
  );

  it('have names', () => {
    expect(() => dependencies.tag('')).toThrow(RedisInvalidKeyException);
    expect(() => dependencies.all({ tags: [undefined as unknown as string] })).toThrow(
      RedisInvalidKeyException,
    );
  });

  it('are remembered, but not all that there ever were', () => {
    const some = new Dependencies(keys);
    const first = some.tag('first');
    expect(some.tag('first')).toBe(first);
    for (let i = 0; i < 20_000; i++) some.tag(-1 - i);
    expect(some.tag('first')).toBe(first); // of those before
    for (let i = 0; i < 40_000; i++) some.tag(i);
    expect(some.tag('first')).not.toBe(first);
    expect(some.tag('first')).toEqual(first);
  });
});
