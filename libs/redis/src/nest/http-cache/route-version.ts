import { VersioningType, type VersioningOptions } from '@nestjs/common';
import type { HttpRequest } from './http-messages.js';

type Versions = string | symbol | readonly (string | symbol)[] | undefined;

/**
 * Tells which of its versions a handler is asked for, where it has several: its responses may differ.
 *
 * @param declared what `@Version` or `@Controller({ version })` says
 * @param versioning of the application: `'none'`, or `undefined` if it is not known
 * @returns the part of a key that says it; `''` if there is nothing to tell apart, `undefined` if that is
 * not known
 * @internal
 */
export function versionAsked(
  declared: Versions,
  versioning: VersioningOptions | 'none' | undefined,
  request: HttpRequest,
): string | undefined {
  if (versioning === 'none') return '';
  const versions = [declared ?? defaultOf(versioning)].flat() as readonly (string | symbol)[];
  if (versions.length < 2) return '';
  if (versioning === undefined) return undefined;
  const names = versions.filter((version) => typeof version === 'string');
  return `version=${askedFor(names, versioning, request)}`;
}

function defaultOf(versioning: VersioningOptions | undefined): Versions {
  return versioning && 'defaultVersion' in versioning ? versioning.defaultVersion : undefined;
}

function askedFor(
  versions: readonly string[],
  versioning: VersioningOptions,
  request: HttpRequest,
): string {
  switch (versioning.type) {
    case VersioningType.URI: {
      const prefix = versioning.prefix === undefined ? 'v' : versioning.prefix || '';
      const [path = ''] = (request.originalUrl ?? request.url).split('?', 1);
      return path.split('/').find((part) => versions.some((each) => part === prefix + each)) ?? '';
    }
    case VersioningType.HEADER:
      return String(request.headers[versioning.header.toLowerCase()] ?? '');
    case VersioningType.MEDIA_TYPE: {
      const accept = String(request.headers['accept'] ?? '');
      const parameters = accept.split(/[,;]/).map((parameter) => parameter.trim());
      const asked = parameters
        .filter((parameter) => parameter.startsWith(versioning.key))
        .map((parameter) => parameter.slice(versioning.key.length));
      // What is written in another way, quoted for example, is told apart as a whole.
      return asked.every((each) => versions.includes(each)) ? asked.join() : accept;
    }
    case VersioningType.CUSTOM: {
      // As Nest asks it: Fastify routes by Node's own request.
      const asked: unknown = versioning.extractor(request.raw ?? request);
      return [asked].flat().map(String).join();
    }
  }
}
