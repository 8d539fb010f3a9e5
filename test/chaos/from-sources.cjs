/**
 * Lets plain Node run the sample and the chaos run from their sources: an import of the library by its
 * name leads to `libs/redis/src`, as under Jest.
 */
require('reflect-metadata');
require('../support/typescript-hook.cjs');
const Module = require('node:module');
const path = require('node:path');

const SOURCES = path.resolve(module.path, '../../libs/redis/src');
const resolveFilename = Module._resolveFilename;

Module._resolveFilename = function resolveLibrary(request, ...rest) {
  const [name, subpath = '.'] = /^nestjs-redis-data(?:\/(\w+))?$/.exec(request) ?? [];
  if (name !== undefined) return path.join(SOURCES, subpath, 'index.ts');
  return resolveFilename.call(this, request, ...rest);
};
