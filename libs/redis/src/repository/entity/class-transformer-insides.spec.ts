import 'reflect-metadata';
import { describe, expect, it, jest } from '@jest/globals';
import type * as ClassTransformer from 'class-transformer';
import type * as HydratorFile from './hydrator.js';
import type * as Insides from './class-transformer-insides.js';

interface Storage {
  findTypeMetadata: unknown;
  findTransformMetadatas: unknown;
}

/** The modules as a process loads them in which the storage of class-transformer has been changed. */
function load(change: (storage: Storage) => void) {
  jest.resetModules();
  const { defaultMetadataStorage } = jest.requireActual<{ defaultMetadataStorage: Storage }>(
    'class-transformer/cjs/storage.js',
  );
  change(defaultMetadataStorage);
  const { Transform, Type } = jest.requireActual<typeof ClassTransformer>('class-transformer');
  const { readDecoratorsOf } = jest.requireActual<typeof Insides>('./class-transformer-insides.js');
  const { Hydrator } = jest.requireActual<typeof HydratorFile>('./hydrator.js');

  class Note {
    @Type(() => Date) writtenAt?: Date;
    @Transform(({ value }) => String(value).toUpperCase()) code?: string;
    @Transform(() => 'for others', { groups: ['public'] }) text?: string;
  }
  const hydrate = (plain: HydratorFile.Plain) => Hydrator.of(Note).hydrate(plain) as Note;
  return { Note, hydrate, decoratorsOf: (name: string) => readDecoratorsOf(Note, name) };
}

const plain = { writtenAt: '2026-01-01T00:00:00.000Z', code: 'a', text: 'b' };
const expected = { writtenAt: new Date('2026-01-01T00:00:00.000Z'), code: 'A', text: 'b' };

describe('The insides of class-transformer', () => {
  it('are as the hydrator needs them', () => {
    const { decoratorsOf, hydrate, Note } = load(() => undefined);
    const written = decoratorsOf('writtenAt');
    expect(written?.type?.typeFunction()).toBe(Date);
    expect(written?.type?.reflectedType).toBe(Date);
    expect(written?.transforms).toEqual([]);
    expect(decoratorsOf('code')?.transforms).toHaveLength(1);
    expect(decoratorsOf('text')).toEqual({ type: undefined, transforms: [] });
    expect(hydrate(plain)).toEqual(Object.assign(new Note(), expected));
  });

  it.each<[string, (storage: Storage) => void]>([
    ['has no types', (storage) => (storage.findTypeMetadata = undefined)],
    ['has no transforms', (storage) => (storage.findTransformMetadatas = undefined)],
    ['finds no types', (storage) => (storage.findTypeMetadata = () => undefined)],
    ['finds no transforms', (storage) => (storage.findTransformMetadatas = () => [])],
    ['names types otherwise', (storage) => (storage.findTypeMetadata = () => ({ type: Date }))],
  ])('are left to class-transformer where its storage %s', (_, change) => {
    let restore = (): void => undefined;
    const { decoratorsOf, hydrate, Note } = load((storage) => {
      const { findTypeMetadata, findTransformMetadatas } = storage;
      restore = () => void Object.assign(storage, { findTypeMetadata, findTransformMetadatas });
      change(storage);
    });
    expect(decoratorsOf('writtenAt')).toBeUndefined();
    restore(); // for class-transformer itself
    expect(hydrate(plain)).toEqual(Object.assign(new Note(), expected));
  });
});
