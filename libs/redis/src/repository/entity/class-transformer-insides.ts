/**
 * The insides of class-transformer that the library uses, and all of them: what @Type and @Transform left
 * behind, in a storage that the package exports from one of its own files only. Checked with 0.5.1. A
 * bundler may put a second copy of the package into the application, and a new version may keep its
 * metadata in another way: then nothing is found here, and the hydrator asks class-transformer itself.
 */
import type { TransformationType, TransformFnParams, TypeHelpOptions } from 'class-transformer';
import { classTransformer, transformerStorage } from '../../peers/optional-peers.js';

interface MetadataStorage {
  findTypeMetadata(target: unknown, property: string): TypeMetadata | undefined;
  findTransformMetadatas(
    target: unknown,
    property: string,
    type: TransformationType,
  ): readonly TransformMetadata[];
}

interface TypeMetadata {
  readonly reflectedType: unknown;
  readonly typeFunction: (help?: TypeHelpOptions) => unknown;
  readonly options?: { readonly discriminator?: unknown };
}

interface TransformMetadata {
  readonly transformFn: (params: TransformFnParams) => unknown;
  readonly options: { readonly groups?: readonly string[] };
}

/** The decorators of class-transformer that say how one property is read. */
export interface ReadDecorators {
  readonly type: TypeMetadata | undefined;
  /** Without those for groups: nothing that is stored belongs to one. */
  readonly transforms: readonly TransformMetadata[];
}

/** `undefined` if the storage is not the one that the decorators write to, or not as described here. */
export function readDecoratorsOf(entity: unknown, property: string): ReadDecorators | undefined {
  known ??= findsProbe(transformerStorage() as MetadataStorage) ?? 'unknown';
  if (known === 'unknown') return undefined;
  const { storage, read } = known;
  const transforms = storage.findTransformMetadatas(entity, property, read);
  return {
    type: storage.findTypeMetadata(entity, property),
    transforms: transforms.filter(({ options }) => (options.groups ?? []).length === 0),
  };
}

interface KnownStorage {
  readonly storage: MetadataStorage;
  readonly read: TransformationType;
}

let known: KnownStorage | 'unknown' | undefined;

/** @returns `undefined` unless what decorators say is found, and looks as described above */
function findsProbe(storage: MetadataStorage): KnownStorage | undefined {
  const { Transform, TransformationType, Type } = classTransformer();
  const read = TransformationType.PLAIN_TO_CLASS;
  class Probe {
    declare typed: unknown;
    declare transformed: unknown;
  }
  const typeOf = () => Date;
  const options = { discriminator: { property: 'kind', subTypes: [] } };
  const transform = ({ value }: TransformFnParams): unknown => value;
  Type(typeOf, options)(Probe.prototype, 'typed');
  Transform(transform, { groups: ['some'] })(Probe.prototype, 'transformed');
  try {
    const type = storage.findTypeMetadata(Probe, 'typed');
    const transforms = storage.findTransformMetadatas(Probe, 'transformed', read);
    const isAsDescribed =
      type?.typeFunction === typeOf &&
      type.options?.discriminator === options.discriminator &&
      'reflectedType' in type &&
      transforms.length === 1 &&
      transforms[0]?.transformFn === transform &&
      transforms[0].options.groups?.[0] === 'some' &&
      storage.findTransformMetadatas(Probe, 'typed', read).length === 0;
    return isAsDescribed ? { storage, read } : undefined;
  } catch {
    return undefined; // the storage or a member is gone
  }
}
