/**
 * The insides of class-transformer that the library uses, and all of them: what @Type and @Transform left
 * behind, in a storage that the package exports from one of its own files only. Checked with 0.5.1. A
 * bundler may put a second copy of the package into the application, and a new version may keep its
 * metadata in another way: then nothing is found here, and the hydrator asks class-transformer itself.
 */
import {
  Transform,
  TransformationType,
  Type,
  type TransformFnParams,
  type TypeHelpOptions,
} from 'class-transformer';
// @ts-expect-error -- it has no types
import { defaultMetadataStorage } from 'class-transformer/cjs/storage.js';

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

const storage = defaultMetadataStorage as MetadataStorage;

/** The decorators of class-transformer that say how one property is read. */
export interface ReadDecorators {
  readonly type: TypeMetadata | undefined;
  /** Without those for groups: nothing that is stored belongs to one. */
  readonly transforms: readonly TransformMetadata[];
}

/** `undefined` if the storage is not the one that the decorators write to, or not as described here. */
export function readDecoratorsOf(entity: unknown, property: string): ReadDecorators | undefined {
  isKnown ??= findsProbe();
  if (!isKnown) return undefined;
  const transforms = storage.findTransformMetadatas(entity, property, READ);
  return {
    type: storage.findTypeMetadata(entity, property),
    transforms: transforms.filter(({ options }) => (options.groups ?? []).length === 0),
  };
}

const READ = TransformationType.PLAIN_TO_CLASS;

let isKnown: boolean | undefined;

/** Whether what decorators say is found, and looks as described above. */
function findsProbe(): boolean {
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
    const transforms = storage.findTransformMetadatas(Probe, 'transformed', READ);
    return (
      type?.typeFunction === typeOf &&
      type.options?.discriminator === options.discriminator &&
      'reflectedType' in type &&
      transforms.length === 1 &&
      transforms[0]?.transformFn === transform &&
      transforms[0].options.groups?.[0] === 'some' &&
      storage.findTransformMetadatas(Probe, 'typed', READ).length === 0
    );
  } catch {
    return false; // a member is gone
  }
}
