/**
 * Loads the packages that only a part of the users of the main entry point has installed. A file of
 * CommonJS in both builds: only `require` loads a package at its first use, at once, from the place of this
 * library, and in a way that bundlers follow. Bundlers accept that a package is missing where a `try`
 * stands directly around the call.
 */
/* eslint-disable @typescript-eslint/no-require-imports -- see above */

/** A package, or the error of loading it. */
export type Loaded<T> = { readonly found: T } | { readonly error: unknown };

export function loadClassValidator(): Loaded<typeof import('class-validator')> {
  try {
    return { found: require('class-validator') as typeof import('class-validator') };
  } catch (error) {
    return { error };
  }
}

export function loadClassTransformer(): Loaded<typeof import('class-transformer')> {
  try {
    return { found: require('class-transformer') as typeof import('class-transformer') };
  } catch (error) {
    return { error };
  }
}

/** The storage of class-transformer's decorators. The package exports it from a file of its own only. */
export function loadTransformerStorage(): Loaded<{ readonly defaultMetadataStorage?: unknown }> {
  try {
    return { found: require('class-transformer/cjs/storage.js') as object };
  } catch (error) {
    return { error };
  }
}

export function loadNestConfig(): Loaded<typeof import('@nestjs/config')> {
  try {
    return { found: require('@nestjs/config') as typeof import('@nestjs/config') };
  } catch (error) {
    return { error };
  }
}
