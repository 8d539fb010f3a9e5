/** What @Type and @Transform left behind. class-transformer exports it from this file only. */
declare module 'class-transformer/cjs/storage.js' {
  import type { TransformationType, TransformFnParams, TypeHelpOptions } from 'class-transformer';

  export const defaultMetadataStorage: {
    findTypeMetadata(
      target: unknown,
      property: string,
    ):
      | {
          readonly reflectedType: unknown;
          readonly typeFunction: (help?: TypeHelpOptions) => unknown;
          readonly options?: { readonly discriminator?: unknown };
        }
      | undefined;
    findTransformMetadatas(
      target: unknown,
      property: string,
      type: TransformationType,
    ): readonly {
      readonly transformFn: (params: TransformFnParams) => unknown;
      readonly options: { readonly groups?: readonly string[] };
    }[];
  };
}
